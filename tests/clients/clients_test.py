"""The official Python clients of OpenAI's API and of the Model Context Protocol, against the real program.

PROGRAM_UNDER_TEST names the program. A library of its own is served on a free port; nothing leaves this machine.
"""

import asyncio
import base64
import faulthandler
import os
import re
import subprocess
import tempfile
import unittest
from array import array
from pathlib import Path

import mcp
import openai

PROGRAM = os.environ["PROGRAM_UNDER_TEST"]
# The clients ask the environment's proxy, for this machine too; one that is far away lets them wait.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
# A client that waits for something that never comes says where, and ends.
faulthandler.dump_traceback_later(300, exit=True)
PATIENCE_SECONDS = 60
QUESTION = "Qual é a multa por atraso na entrega?"
CONTRACT = """# Contrato 12

O contrato foi assinado em Lavras. A multa por atraso na entrega é de 2% ao mês.

O prazo de entrega é de quinze dias.
"""


def plain_environment(**more: str) -> dict[str, str]:
    """Without the settings of whoever runs the tests: a model of theirs would be asked, and paid."""
    ours = re.compile(r"^(IDS|OPENAI|POSTGRES|REDIS|S3|AI)_")
    return {name: value for name, value in os.environ.items() if not ours.match(name)} | more


class Server:
    """The program on a library with one contract."""

    def __init__(self, **environment: str) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="ids-clients-")
        self.data_dir = str(Path(self.folder.name) / "library")
        self.environment = plain_environment(**environment)
        contract = Path(self.folder.name) / "contrato.md"
        contract.write_text(CONTRACT, encoding="utf-8")
        self.ids("ingest", str(contract), "--collection", "contratos")
        self.process = subprocess.Popen(
            [PROGRAM, "--data-dir", self.data_dir, "serve", "--port", "0"],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        # It says its address once it can be asked.
        for line in self.process.stdout:
            if found := re.search(r"http://[\w.:\[\]]+:\d+", line):
                self.address = found.group(0)
                break
        else:
            raise AssertionError("the server ended")

    def ids(self, *arguments: str) -> str:
        run = subprocess.run(
            [PROGRAM, "--data-dir", self.data_dir, *arguments], env=self.environment, check=True, capture_output=True, text=True,
        )
        return run.stdout

    def key(self, scopes: str) -> str:
        return re.search(r"ids_[\w-]{43}", self.ids("keys", "create", "--scopes", scopes, "--json")).group(0)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(40)
        self.process.stdout.close()
        self.folder.cleanup()


class OpenAi(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server()
        cls.client = openai.OpenAI(base_url=f"{cls.server.address}/v1", api_key="sk-anything", max_retries=0, timeout=PATIENCE_SECONDS)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.client.close()
        cls.server.stop()

    def ask(self, **more):
        return self.client.chat.completions.create(model="ids", messages=[{"role": "user", "content": QUESTION}], **more)

    def test_an_answer_with_its_sources(self) -> None:
        message = self.ask().choices[0].message
        self.assertIn("2% ao mês", message.content)
        self.assertIn("\n\nFontes:\n[1] ", message.content)
        citation = message.annotations[0].url_citation
        cited = message.content[citation.start_index:citation.end_index]
        self.assertIn("2% ao mês", cited)
        self.assertTrue(citation.url.startswith(f"{self.server.address}/#/documents/"), citation.url)

    def test_the_same_answer_in_pieces(self) -> None:
        whole = self.ask().choices[0].message
        chunks = list(self.ask(stream=True, stream_options={"include_usage": True}))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        self.assertEqual(text, whole.content)
        self.assertEqual(chunks[-1].usage.total_tokens, 0)
        ends = [chunk.choices[0] for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
        self.assertEqual([end.finish_reason for end in ends], ["stop"])
        self.assertEqual(ends[0].delta.annotations[0]["type"], "url_citation")

    def test_the_helper_for_streams_reads_them_too(self) -> None:
        messages = [{"role": "user", "content": QUESTION}]
        with self.client.chat.completions.stream(model="ids/contratos", messages=messages) as stream:
            kinds = {event.type for event in stream}
            answer = stream.get_final_completion()
        self.assertIn("content.delta", kinds)
        self.assertIn("2% ao mês", answer.choices[0].message.content)

    def test_models(self) -> None:
        names = [model.id for model in self.client.models.list()]
        self.assertEqual(names[:2], ["ids", "ids/contratos"])
        self.assertEqual(self.client.models.retrieve("ids/contratos").id, "ids/contratos")

    def test_vectors_in_either_form_are_the_same(self) -> None:
        model = self.client.models.list().data[-1].id
        # This client asks for base64 by itself, and unpacks it.
        packed = self.client.embeddings.create(model=model, input=["multa", "prazo"])
        floats = self.client.embeddings.create(model=model, input=["multa", "prazo"], encoding_format="float")
        for one, other in zip(packed.data, floats.data, strict=True):
            self.assertEqual(len(one.embedding), 384)
            # JSON has the shortest decimals that give the same 32 bits.
            self.assertEqual(array("f", one.embedding), array("f", other.embedding))
        raw = self.client.embeddings.with_raw_response.create(model=model, input="multa", encoding_format="base64")
        self.assertEqual(len(base64.b64decode(raw.parse().data[0].embedding)), 4 * 384)
        self.assertGreater(packed.usage.prompt_tokens, 0)

    def test_faults_are_of_the_classes_that_programs_catch(self) -> None:
        with self.assertRaises(openai.NotFoundError) as unknown:
            self.client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": QUESTION}])
        self.assertEqual(unknown.exception.code, "model_not_found")
        with self.assertRaises(openai.BadRequestError) as bad:
            self.ask(n=2)
        self.assertEqual(bad.exception.param, "n")
        with self.assertRaises(openai.BadRequestError):
            self.client.embeddings.create(model=self.client.models.list().data[-1].id, input="a", dimensions=8)


class Keys(unittest.TestCase):
    def test_each_key_opens_what_it_was_made_for(self) -> None:
        server = Server(IDS_AUTH="keys")
        self.addCleanup(server.stop)
        messages = [{"role": "user", "content": QUESTION}]

        def client(key: str) -> openai.OpenAI:
            made = openai.OpenAI(base_url=f"{server.address}/v1", api_key=key, max_retries=0, timeout=PATIENCE_SECONDS)
            self.addCleanup(made.close)
            return made

        with self.assertRaises(openai.AuthenticationError):
            client("sk-anything").models.list()
        client(server.key("ask")).chat.completions.create(model="ids", messages=messages)
        with self.assertRaises(openai.PermissionDeniedError):
            client(server.key("search")).chat.completions.create(model="ids", messages=messages)


class Mcp(unittest.IsolatedAsyncioTestCase):
    """Each transport, in each of the protocol's eras."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.stop()

    async def asyncSetUp(self) -> None:
        # It would tell of each step that is slow on a busy machine.
        asyncio.get_running_loop().set_debug(False)

    def command(self, data_dir: str) -> mcp.StdioServerParameters:
        return mcp.StdioServerParameters(command=PROGRAM, args=["--data-dir", data_dir, "mcp"], env=plain_environment())

    async def use(self, transport, mode: str) -> None:
        async with mcp.Client(transport, mode=mode, read_timeout_seconds=PATIENCE_SECONDS) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            self.assertEqual(list(tools), ["search", "read_page", "ask", "list_documents"])
            self.assertTrue(all(tool.annotations.read_only_hint for tool in tools.values()))
            # The client checks what it is given against the tool's schema.
            found = await client.call_tool("search", {"query": "multa por atraso", "limit": 3})
            hit = found.structured_content["results"][0]
            self.assertIn("2% ao mês", hit["content"])
            page = await client.call_tool("read_page", {"document_id": hit["document_id"], "page": hit["page"]})
            self.assertIn("quinze dias", page.content[0].text)
            answer = await client.call_tool("ask", {"question": QUESTION})
            self.assertTrue(answer.structured_content["answered"])
            self.assertIn("2% ao mês", answer.structured_content["sources"][0]["quote"])
            listed = await client.call_tool("list_documents", {})
            self.assertEqual(listed.structured_content["total"], 1)
            wrong = await client.call_tool("search", {"query": "x", "limit": 99})
            self.assertTrue(wrong.is_error)
            self.assertIn("`limit`", wrong.content[0].text)

    async def test_over_http(self) -> None:
        for mode in ("auto", "legacy"):
            with self.subTest(mode):
                await self.use(f"{self.server.address}/mcp", mode)

    async def test_over_stdio_through_the_server_that_runs(self) -> None:
        for mode in ("auto", "legacy"):
            with self.subTest(mode):
                await self.use(self.command(self.server.data_dir), mode)

    async def test_over_stdio_without_a_server(self) -> None:
        server = Server()
        self.addCleanup(server.folder.cleanup)
        server.process.terminate()
        server.process.wait(40)
        server.process.stdout.close()
        await self.use(self.command(server.data_dir), "auto")


if __name__ == "__main__":
    unittest.main()
