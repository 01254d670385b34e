"""files.*: the upload in three steps (an address, the bytes, the sharing), and what was uploaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from sandbox.slack.arguments import number, required
from sandbox.slack.clock import opaque
from sandbox.slack.errors import SlackError
from sandbox.slack.messages import Message
from sandbox.slack.methods.chat import room_of_app
from sandbox.slack.site import Site

Json = dict[str, Any]
LARGEST = 50 * 1024 * 1024


@dataclass
class Upload:
    """One file; `body` is None until its bytes came."""

    id: str
    name: str
    length: int
    title: str = ""
    body: bytes | None = None
    shared_in: str | None = None

    def as_slack(self, base: str) -> Json:
        """The file object."""
        address = f"{base}/files/{self.id}/{self.name}"
        kind = self.name.rpartition(".")[2] or "binary"
        told: Json = {"id": self.id, "name": self.name, "title": self.title or self.name, "filetype": kind}
        return told | {"size": self.length, "url_private": address, "permalink": address}


def get_upload_url(site: Site, arguments: Json) -> Json:
    """Where the bytes go."""
    required(arguments, "filename", "length")
    length = number(arguments, "length", default=0, most=LARGEST)
    made = Upload(opaque("F"), str(arguments["filename"]).replace("/", "_"), length)
    site.uploads[made.id] = made
    return {"upload_url": f"{site.settings.base_url}/upload/{made.id}", "file_id": made.id}


def complete_upload(site: Site, arguments: Json) -> Json:
    """Shares what was uploaded in a channel or thread, as one message."""
    required(arguments, "files")
    found = []
    for one in arguments["files"] if isinstance(arguments["files"], list) else []:
        upload = site.uploads.get(str(one.get("id"))) if isinstance(one, dict) else None
        if upload is None or upload.body is None:
            raise SlackError("file_not_found")
        upload.title = str(one.get("title") or upload.name)
        found.append(upload)
    if not found:
        raise SlackError("invalid_arguments", ["[ERROR] files: at least one {id, title}"])
    files = [upload.as_slack(site.settings.base_url) for upload in found]
    if arguments.get("channel_id"):
        room = room_of_app(site, arguments["channel_id"])
        thread = str(arguments["thread_ts"]) if arguments.get("thread_ts") else None
        if thread is not None and thread not in site.workspace.messages[room.id]:
            raise SlackError("thread_not_found")
        message = Message(
            ts=site.ticker.ts(),
            channel=room.id,
            user=site.workspace.seed.app.user,
            text=str(arguments.get("initial_comment") or ""),
            thread_ts=thread,
            from_app=True,
            files=files,
        )
        site.workspace.add(message)
        for upload in found:
            upload.shared_in = room.id
    return {"files": files}


def info(site: Site, arguments: Json) -> Json:
    """One file."""
    required(arguments, "file")
    upload = site.uploads.get(str(arguments["file"]))
    if upload is None:
        raise SlackError("file_not_found")
    return {"file": upload.as_slack(site.settings.base_url)}


def delete(site: Site, arguments: Json) -> Json:
    """Removes a file."""
    required(arguments, "file")
    if site.uploads.pop(str(arguments["file"]), None) is None:
        raise SlackError("file_not_found")
    return {}


def file_routes(site: Site) -> APIRouter:
    """Where bytes are taken and handed out."""
    router = APIRouter()

    @router.api_route("/upload/{file}", methods=["POST", "PUT"])
    async def take(file: str, request: Request) -> Response:
        upload = site.uploads.get(file)
        if upload is None:
            return Response("no such upload", status_code=404, media_type="text/plain")
        kind = request.headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            form = await request.form()
            part = next((one for one in form.values() if not isinstance(one, str)), None)
            upload.body = await part.read() if part is not None else b""
        else:
            upload.body = await request.body()
        upload.length = len(upload.body)
        return Response(f"OK - {upload.length}", media_type="text/plain")

    @router.get("/files/{file}/{name}")
    async def give(file: str, name: str) -> Response:
        upload = site.uploads.get(file)
        if upload is None or upload.body is None:
            return Response("no such file", status_code=404, media_type="text/plain")
        # Handed out as bytes, never as a page: what an app uploaded must not run in this address's name.
        headers = {"content-disposition": "attachment"}
        return Response(upload.body, media_type="application/octet-stream", headers=headers)

    return router
