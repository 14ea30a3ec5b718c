// A question on its way from the field to the conversation that asks it. An address alone never asks: an answer may cost
// money, and a link could come from anywhere.

let waiting = null;

export function leaveQuestion(text) {
  waiting = text;
}

/** The question a person has just asked, once. */
export function takeQuestion() {
  const text = waiting;
  waiting = null;
  return text;
}
