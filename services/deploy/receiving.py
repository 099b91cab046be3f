"""A form's body on its way in: read within its limits, whatever its encoding, and never whole in memory with files."""

import hashlib
from contextlib import aclosing
from typing import Final

from aiohttp import hdrs, web

from services.deploy import fields, multipart
from services.deploy.fields import MAX_TEXT, Sent
from services.deploy.multipart import Reader
from shared import bodies, http

#: Seconds that storing may take, and those that files may take to arrive.
DEADLINE: Final = 10.0
FILES_DEADLINE: Final = bodies.BODY_DEADLINE + multipart.MAX_BODY / bodies.SLOWEST


async def receive(request: web.Request, *, takes_files: bool) -> tuple[Sent, str]:
    """Return what was sent, and the SHA-256 that tells its body from others. Whoever gets it closes it.

    Raise UnsupportedMediaType, FilesNotTaken, TooLarge, Invalid, BadRequest, Timeout.
    """
    content_type = request.headers.get(hdrs.CONTENT_TYPE, "")
    if fields.bare_type(content_type) != "multipart/form-data":
        body = await bodies.read(request, MAX_TEXT)
        return fields.parse(content_type, body), hashlib.sha256(body).hexdigest()
    if takes_files:
        http.allow(FILES_DEADLINE)
    reader = Reader(content_type, takes_files=takes_files)
    try:
        # where no files are taken the first one ends it, however large the whole is
        async with aclosing(bodies.pieces(request, multipart.MAX_BODY, coded=True)) as pieces:
            async for piece in pieces:
                reader.feed(piece)
                await reader.settle()
        await reader.settle(last=True)
        sent = reader.finish()
    except BaseException:
        reader.close()
        raise
    if takes_files:
        http.allow(DEADLINE + len(sent.files) * DEADLINE)
    return sent, reader.digest
