"""A tiny identity provider on this machine: OpenID Connect Core 1.0, authorisation code flow."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, CLIENT_SECRET = "emosense", "a secret of the client"


def _new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


@dataclass
class OidcProvider:
    """The provider, and what it says of the user who logs in.

    Attributes:
        url: its address, also the issuer of its tokens.
        claims: claims about the user.
        changed_claims: claims of its tokens that are changed, e.g. to a wrong issuer.
        signing_key: key that signs its tokens; publishes another one if it is not :attr:`key`.
        requests: paths that were asked for.
    """

    url: str
    claims: dict[str, Any]
    changed_claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=_new_key)
    signing_key: RSAKey | None = None
    requests: list[str] = field(default_factory=list)
    nonces: dict[str, str] = field(default_factory=dict)

    def write_secrets(self, path: Path, app_url: str) -> Path:
        """Write Streamlit's secrets for an app at ``app_url``, and return their path."""
        values = {
            "redirect_uri": f"{app_url}/oauth2callback",
            "cookie_secret": secrets.token_hex(32),
            "client_id": CLIENT,
            "client_secret": CLIENT_SECRET,
            "server_metadata_url": f"{self.url}/.well-known/openid-configuration",
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        path.write_text("\n".join(["[auth]", *lines, ""]), "utf-8")
        return path

    def metadata(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0, section 3."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "end_session_endpoint": f"{self.url}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def id_token(self, nonce: str) -> str:
        """A signed token about the user (section 2)."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 600, "nonce": nonce}
        header = {"alg": "RS256", "kid": "one"}
        claims |= self.claims | self.changed_claims
        return str(jwt.encode(header, claims, self.signing_key or self.key, algorithms=["RS256"]))


@contextmanager
def running_oidc_provider(**claims: Any) -> Iterator[OidcProvider]:
    """Run a provider on a free port, whose user has these claims."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            provider.requests.append(address.path)
            if address.path == "/.well-known/openid-configuration":
                self.answer(provider.metadata())
            elif address.path == "/jwks":
                self.answer({"keys": [provider.key.as_dict(private=False)]})
            elif address.path == "/authorize":
                assert query["client_id"] == CLIENT
                code = secrets.token_hex(8)
                provider.nonces[code] = query["nonce"]
                back = urlencode({"code": code, "state": query["state"]})
                self.redirect(f"{query['redirect_uri']}?{back}")
            elif address.path == "/logout":
                self.redirect(query["post_logout_redirect_uri"])
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            provider.requests.append(self.path)
            nonce = provider.nonces.pop(form["code"][0], None)  # a code counts once
            if nonce is None:
                self.send_error(400)
            else:
                token = provider.id_token(nonce)
                self.answer({"access_token": "x", "token_type": "Bearer", "id_token": token})

        def answer(self, value: object) -> None:
            content = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def redirect(self, address: str) -> None:
            self.send_response(302)
            self.send_header("Location", address)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider = OidcProvider(f"http://localhost:{server.server_port}", claims)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield provider
        server.shutdown()
        thread.join()
