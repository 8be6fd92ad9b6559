"""A mail server on loopback that takes what comes and remembers it: STARTTLS, sign-in, one script of refusals."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import trustme

USER, PASSWORD = "reporter", "canary-mail-password"


class SmtpRecorder:
    """smtp://localhost:PORT; with_tls: STARTTLS is offered. refusals: verb -> what is answered in place of OK."""

    def __init__(self, folder: Path, *, with_tls: bool = True) -> None:
        self.letters: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.signed_in: list[str] = []
        self.was_encrypted: list[bool] = []
        self.refusals: dict[str, str] = {}
        authority = trustme.CA()
        self.bundle = folder / "mail-ca.pem"
        authority.cert_pem.write_to_path(str(self.bundle))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        recorder = self

        class Handler(socketserver.StreamRequestHandler):
            secured: ssl.SSLSocket | None = None

            def say(self, line: str) -> None:
                self.wfile.write(line.encode() + b"\r\n")

            def handle(self) -> None:
                encrypted = False
                self.say("220 localhost")
                while line := self.rfile.readline():
                    verb, _, rest = line.decode().strip().partition(" ")
                    verb = verb.upper()
                    if verb in recorder.refusals:
                        self.say(recorder.refusals[verb])
                    elif verb == "EHLO":
                        offers = ["localhost", *(["STARTTLS"] if with_tls and not encrypted else []), "AUTH PLAIN"]
                        for place, offer in enumerate(offers, start=1):
                            self.say(f"250{' ' if place == len(offers) else '-'}{offer}")
                    elif verb == "STARTTLS":
                        self.say("220 go on")
                        try:
                            self.request = context.wrap_socket(self.request, server_side=True)
                        except (ssl.SSLError, OSError):
                            return
                        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", buffering=0)
                        encrypted = True
                        self.secured = self.request
                    elif verb == "AUTH":
                        _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                        recorder.signed_in.append(user)
                        self.say("235 welcome" if password == PASSWORD else "535 5.7.8 no")
                    elif verb == "RCPT":
                        recorder.recipients.append(rest.partition("<")[2].partition(">")[0])
                        self.say("250 ok")
                    elif verb == "DATA":
                        self.say("354 go on")
                        recorder.letters.append(self.letter())
                        recorder.was_encrypted.append(encrypted)
                        self.say("250 taken")
                    elif verb == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        self.say("250 ok")

            def finish(self) -> None:
                super().finish()
                if self.secured is not None:
                    self.secured.close()

            def letter(self) -> EmailMessage:
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
                letter = message_from_bytes(b"".join(lines), policy=policy.default)
                assert isinstance(letter, EmailMessage)
                return letter

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
