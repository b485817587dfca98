"""Serve a mirror (c2sp.org/tlog-mirror): its copies, and the two calls that bring it forward."""

import zlib
from collections.abc import Iterator

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.forms.errors import FormatError
from tocsin.ledger import Answer, Mirror, Objects, Upload, UploadReader, refuse
from tocsin.node.answering import Ready, application, respond, serve_file
from tocsin.node.witness import add_checkpoint, is_origin_hash

_PIECE = 1 << 20
_ACCEPT = {"accept-encoding": "gzip"}


def mirror_app(mirror: Mirror, store: Objects, ready: Ready) -> Starlette:
    """Make the application of a mirror; submission and monitoring prefix are the same."""

    async def add(request: Request) -> Response:
        return await add_checkpoint(mirror.inbox, ready, request)

    async def entries(request: Request) -> Response:
        return await _add_entries(mirror, ready, request)

    async def file(request: Request) -> Response:
        log, name = request.path_params["log"], request.path_params["name"]
        if not is_origin_hash(log):
            return respond(refuse(404, "no such log"))
        return await serve_file(store, f"public/{log}", name)

    posts = [Route("/add-checkpoint", add, methods=["POST"]), Route("/add-entries", entries, methods=["POST"])]
    return application([*posts, Route("/{log}/{name:path}", file)])


async def _add_entries(mirror: Mirror, ready: Ready, request: Request) -> Response:
    if not ready():
        return respond(refuse(503, "the peers have not been asked yet"))
    session = _Session(mirror, gzip=request.headers.get("content-encoding") == "gzip")
    refused = await _feed(session, request)
    response = respond(refused if refused else await run_in_threadpool(session.finish))
    response.headers.update(_ACCEPT)
    return response


async def _feed(session: "_Session", request: Request) -> Answer | None:
    async for piece in request.stream():
        answer = await run_in_threadpool(session.feed, piece)
        if answer:
            return answer
    return None


class _Session:
    """One upload as its bytes come in, unpacked at most a megabyte at a time."""

    def __init__(self, mirror: Mirror, *, gzip: bool) -> None:
        self._mirror = mirror
        self._reader = UploadReader()
        self._unzip = zlib.decompressobj(wbits=31) if gzip else None
        self._upload: Upload | None = None

    def feed(self, raw: bytes) -> Answer | None:
        """Take bytes; an answer ends the upload."""
        try:
            for piece in self._pieces(raw):
                answer = self._take(piece)
                if answer:
                    return answer
        except (FormatError, zlib.error) as error:
            return self._broken(error)
        return None

    def finish(self) -> Answer:
        """Answer for an upload whose bytes have all come."""
        if self._upload is None:
            return refuse(400, "the upload ends within its head")
        return self._upload.finish(complete=self._reader.complete)

    def _take(self, piece: bytes) -> Answer | None:
        for package in self._reader.feed(piece):
            answer = self._begun() or (self._upload.take(package) if self._upload else None)
            if answer:
                return answer
        return self._begun()

    def _begun(self) -> Answer | None:
        """Begin the upload once its head is there, so that one that cannot succeed is refused early."""
        if self._upload is None and self._reader.head:
            begun = self._mirror.begin(self._reader.head)
            if isinstance(begun, Answer):
                return begun
            self._upload = begun
        return None

    def _broken(self, error: Exception) -> Answer:
        """What came whole before the broken part is kept, so tell where to go on; else the request is bad."""
        answer = self._upload.finish(complete=False) if self._upload else None
        return answer if answer and answer.status == 202 else refuse(400, error)

    def _pieces(self, raw: bytes) -> Iterator[bytes]:
        if self._unzip is None:
            yield raw
            return
        piece = bytes(_PIECE)
        while raw or len(piece) == _PIECE:  # a full piece may have left some output inside
            piece = self._unzip.decompress(raw, _PIECE)
            raw = self._unzip.unconsumed_tail
            yield piece
