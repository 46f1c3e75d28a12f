"""A double of Login.gov at protocol level: discovery, authorization, token, user information, keys."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT = "urn:portal:test"


class IdentityProvider(ThreadingHTTPServer):
    """Signs in ``person`` whoever asks; refuses codes used twice and wrong PKCE verifiers."""

    def __init__(self, person, acr):
        super().__init__(("127.0.0.1", 0), Endpoints)
        self.person, self.acr, self.codes, self.refused = person, acr, {}, []
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.address = f"http://127.0.0.1:{self.server_port}"


class Endpoints(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def answer(self, body, status=200):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        provider, parts = self.server, urlsplit(self.path)
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            self.answer(
                {
                    "issuer": provider.address,
                    "authorization_endpoint": f"{provider.address}/authorize",
                    "token_endpoint": f"{provider.address}/token",
                    "userinfo_endpoint": f"{provider.address}/userinfo",
                    "jwks_uri": f"{provider.address}/certs",
                    "token_endpoint_auth_methods_supported": ["client_secret_post"],
                }
            )
        elif parts.path == "/authorize":
            assert asked["client_id"] == CLIENT
            assert asked["code_challenge_method"] == "S256"
            code = hashlib.sha256(self.path.encode()).hexdigest()
            provider.codes[code] = asked
            self.send_response(302)
            back = urlencode({"code": code, "state": asked["state"]})
            self.send_header("Location", f"{asked['redirect_uri']}?{back}")
            self.end_headers()
        elif parts.path == "/userinfo":
            self.answer(provider.person | {"acr": provider.acr})
        elif parts.path == "/certs":
            key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(provider.key.public_key()))
            self.answer({"keys": [key | {"kid": "1", "alg": "RS256", "use": "sig"}]})

    def do_POST(self):
        provider = self.server
        length = int(self.headers["Content-Length"])
        asked = {key: values[0] for key, values in parse_qs(self.rfile.read(length).decode()).items()}
        known = provider.codes.pop(asked.get("code"), None)
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if known is None or known["code_challenge"] != challenge:
            provider.refused.append(asked)
            return self.answer({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": provider.address,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "acr": provider.acr,
            **({"nonce": known["nonce"]} if "nonce" in known else {}),
            **provider.person,
        }
        token = jwt.encode(claims, provider.key, algorithm="RS256", headers={"kid": "1"})
        return self.answer(
            {"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": token}
        )


@contextmanager
def identity_provider(*, sub="subject-1", email="ada@agency.example", name="Ada Example", acr=""):
    provider = IdentityProvider({"sub": sub, "email": email, "email_verified": True, "name": name}, acr)
    thread = threading.Thread(target=provider.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.shutdown()
        provider.server_close()
