// Asks, and reads the answer as it comes: server-sent events in the reply to a POST, which EventSource cannot read.

import { ApiError, postForStream, unreachable } from "./api.js";
import { connection } from "./connection.js";

/**
 * Sends `question` ({message, session_id?, filters}) and calls `tell(event, data)` for each stage, delta and retract.
 * Resolves with the body of `done`; throws an `ApiError` for `error`, or when the stream breaks off.
 */
export async function ask(question, tell, signal) {
  const response = await postForStream("/api/v1/chat/ask", { ...question, stream: true }, signal);
  // A proxy, or a server without streams, may answer in one piece.
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return response.json();
  try {
    for await (const { event, data } of events(response.body)) {
      const body = JSON.parse(data);
      if (event === "done") return body;
      if (event === "error") throw new ApiError({ code: body.error_code, detail: body.detail, requestId: body.request_id });
      tell(event, body);
    }
  } catch (error) {
    if (signal.aborted || error instanceof ApiError) throw error;
  }
  connection.lost();
  throw unreachable();
}

/** The events of a stream: {event, data}. Comments, ids and pauses are passed over. */
export async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let event = "message";
  let data = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + value).split(/\r\n|\n/);
      rest = lines.pop();
      for (const line of lines) {
        if (line === "") {
          if (data.length > 0) yield { event, data: data.join("\n") };
          event = "message";
          data = [];
        } else if (line.startsWith("event:")) event = line.slice(6).trim();
        else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
