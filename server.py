"""The server: the page, the models, and the timings that the page sends back. `python server.py --help` tells its options."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import io
import logging
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from flask import Flask, Response, request

from builder.errors import ZooError
from serving import acceptance, files
from serving.bodies import json_body, parsed
from serving.compression import add_compression
from serving.fleets import Fleets, check_address
from serving.listening import Listening
from serving.manners import add_manners
from serving.models import CARD_NAME, ModelsFolder
from serving.page import Page
from serving.query import progress_query, run_query
from serving.replies import Refusal, as_list, json_reply
from timings.database import DEFAULT_PLACE
from timings.export import EXPORTS
from timings.parse import parse_fleet, parse_progress, parse_run
from timings.store import RunIdTakenError, Store

ROOT = Path(__file__).resolve().parent
RUN_MOST_BYTES = 2_000_000
PROGRESS_MOST_BYTES = 16_000
FLEET_MOST_BYTES = 2_000_000
_log = logging.getLogger("server")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a server serves. `database` is a URL or a SQLite file's path; `accept_fake` takes runs of the tests' fake runtime too."""

    models: Path
    database: str
    accept_fake: bool = False
    web: Path = ROOT / "web"
    node_modules: Path = ROOT / "node_modules"
    photograph: Path = ROOT / "builder" / "data" / "photograph.png"


def create_app(settings: Settings) -> Flask:
    """The WSGI application. Raises ZooError if the page, its packages, the models or the database cannot be used."""
    page = Page(settings.web, settings.node_modules, ROOT / "pyproject.toml", settings.photograph)
    models = ModelsFolder(settings.models)
    store = Store(settings.database)
    runtimes = ["onnxruntime-web", *(["fake"] if settings.accept_fake else [])]
    app = Flask("server", static_folder=None)
    app.url_map.merge_slashes = False
    app.extensions["store"] = store
    add_manners(app)
    add_compression(app)
    _add_page(app, page)
    _add_models(app, page, models)
    _add_api(app, page, models, store, runtimes)
    _add_fleets(app, Fleets())
    return app


def _add_page(app: Flask, page: Page) -> None:
    @app.get("/", defaults={"path": "index.html"})
    @app.get("/fleet", defaults={"path": "fleet.html"})
    @app.get("/<path:path>")
    def page_file(path: str) -> Response:
        file = page.file(path)
        if file is None:
            raise _nothing_here("a file of the page")
        handle = file.open("rb")
        etag = hashlib.file_digest(handle, "sha256").hexdigest()
        return files.send(handle, name=path, etag=etag, cache_control=files.REVALIDATE)

    @app.get("/vendor/onnxruntime-web/<version>/<name>")
    def vendored(version: str, name: str) -> Response:
        file = page.vendored(name) if version == page.onnxruntime_web_version else None
        if file is None:
            raise _nothing_here(f"an .mjs or .wasm file of onnxruntime-web {page.onnxruntime_web_version}")
        status = file.stat()
        etag = f"{version}-{status.st_size:x}-{status.st_mtime_ns:x}"
        return files.send(file.open("rb"), name=name, etag=etag, cache_control=files.IMMUTABLE)


def _add_models(app: Flask, page: Page, models: ModelsFolder) -> None:
    @app.get("/models/manifest.json")
    def models_manifest() -> Response:
        listing = models.listing()
        content = io.BytesIO(listing.content)
        return files.send(content, name="manifest.json", etag=listing.sha256, cache_control=files.REVALIDATE)

    @app.get(f"/models/<model_id>/{CARD_NAME}")
    def model_card(model_id: str) -> Response:
        card = models.card(model_id)
        if card is None:
            raise _nothing_here("the card of a model that models/manifest.json lists")
        etag = hashlib.sha256(card).hexdigest()
        return files.send(io.BytesIO(card), name=CARD_NAME, etag=etag, cache_control=files.REVALIDATE)

    @app.get("/models/<path:path>")
    def model_file(path: str) -> Response:
        entry = models.listing().files.get(path)
        if entry is None:
            raise _nothing_here("a file that models/manifest.json lists")
        return files.send_version(lambda: models.open(entry), entry)

    @app.get(f"/models/{page.photograph.path}")
    def photograph() -> Response:
        """What every model's reference is made of: beside the models, and addressed as their files are."""
        return files.send_version(page.open_photograph, page.photograph)


def _add_api(app: Flask, page: Page, models: ModelsFolder, store: Store, runtimes: list[str]) -> None:
    @app.get("/api/config")
    def config() -> Response:
        version = page.onnxruntime_web_version
        onnxruntime_web = {"version": version, "base": f"/vendor/onnxruntime-web/{version}/"}
        content = {"page_version": page.version(), "onnxruntime_web": onnxruntime_web, "runtimes": runtimes}
        # Last, so that it is as near as can be to the moment in which the page receives it.
        return json_reply({**content, "server_time": datetime.now(UTC).isoformat(timespec="milliseconds")})

    @app.post("/api/runs")
    def add_run() -> Response:
        body = json_body("the posted run", RUN_MOST_BYTES, "measure with fewer iterations: 10,000 samples fit")
        run = parsed(parse_run, body)
        acceptance.check(run, models.last_valid(), runtimes)
        try:
            new = store.add(run, body.decode())
        except RunIdTakenError as error:
            raise Refusal(409, error) from error
        if new:
            _log.info("stored %s: %s %s, threads: %d", run.run_id, run.model, run.backend, run.threads)
        return json_reply({"run_id": run.run_id, "stored": True}, 201 if new else 200)

    @app.get("/api/runs")
    def all_runs() -> Response:
        wanted = run_query(request.args)
        posted = store.posted(**dataclasses.asdict(wanted))
        return Response(as_list("runs", posted), mimetype="application/json", headers={"Cache-Control": "no-store"})

    @app.get("/api/runs/<run_id>")
    def one_run(run_id: str) -> Response:
        posted = store.get(run_id)
        if posted is None:
            raise _nothing_here("the id of a stored run")
        return Response(posted, mimetype="application/json", headers={"Cache-Control": "no-store"})

    @app.get("/api/<name>")
    def export(name: str) -> Response:
        if name not in EXPORTS:
            raise _nothing_here(
                f"one of {', '.join(f'/api/{known}' for known in ('config', 'runs', 'progress', 'fleets', *EXPORTS))}"
            )
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(EXPORTS[name](store), mimetype="text/csv", headers=headers)


def _add_fleets(app: Flask, fleets: Fleets) -> None:
    @app.post("/api/progress")
    def note_progress() -> Response:
        body = json_body("the posted progress", PROGRESS_MOST_BYTES, "reload the page, so that it fits this server")
        fleets.note(parsed(parse_progress, body))
        return json_reply({"noted": True})

    @app.get("/api/progress")
    def all_progress() -> Response:
        return json_reply({"devices": fleets.pages(progress_query(request.args))})

    @app.put("/api/fleets/<fleet_id>")
    def put_fleet(fleet_id: str) -> Response:
        table = parsed(parse_fleet, json_body("the fleet's table", FLEET_MOST_BYTES, "drive fewer devices at once"))
        check_address(fleet_id, table)
        return json_reply({"fleet_id": fleet_id, "stored": True}, 201 if fleets.put(table) else 200)

    @app.get("/api/fleets")
    def all_fleets() -> Response:
        return json_reply({"fleets": fleets.known()})

    @app.get("/api/fleets/<fleet_id>")
    def one_fleet(fleet_id: str) -> Response:
        table = fleets.table(fleet_id)
        if table is None:
            raise _nothing_here("the id of a fleet that this server has heard of since it was started: see /api/fleets")
        return json_reply(table)


def _nothing_here(expected: str) -> Refusal:
    error = ZooError(
        "there is nothing at this address", got=request.path, expected=expected, next_step="start from the page, at /"
    )
    return Refusal(404, error)


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="server.py",
        description="Serve the page, the models and the timings.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on; 0.0.0.0 for the whole network")
    parser.add_argument("--port", type=_port, default=8000, help="0 picks a free one")
    parser.add_argument("--models", type=Path, default=Path("models"), help="the folder that python -m builder wrote")
    parser.add_argument("--database", default=DEFAULT_PLACE, help="a SQLite file, or a database's URL")
    parser.add_argument("--accept-fake", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(given)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a whole number from 0 to 65535 was expected")
    return int(text)


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def main(given: list[str] | None = None) -> int:
    """Serve until stopped by SIGINT or SIGTERM. Returns the exit status: 0, or 2 if it cannot start."""
    arguments = _arguments(given)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # A page asks for a dozen files at once; that they wait for a thread for some milliseconds is no warning.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    try:
        app = create_app(Settings(arguments.models, arguments.database, arguments.accept_fake))
        listening = Listening(app, arguments.host, arguments.port)
    except ZooError as error:
        print(error, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _stop)
    print(f"Serving on {listening.url}", flush=True)
    listening.run()
    app.extensions["store"].close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
