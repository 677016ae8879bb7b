"""`python -m emulators.terraform`: started by Terraform, as it starts any provider, or by hand.

Started by hand it serves until it is ended, and prints what TF_REATTACH_PROVIDERS has to be for
Terraform to use it: commands then start no provider of their own, which is most of their time.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import tempfile
import threading
from concurrent import futures
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tf.gen import grpc_controller_pb2 as controller
from tf.gen import grpc_controller_pb2_grpc as controller_rpc
from tf.gen import grpc_stdio_pb2_grpc as stdio_rpc
from tf.gen import tfplugin_pb2_grpc as rpc

from emulators.terraform.provider import Provider
from emulators.terraform.schema import GOOGLE, google_schemas

# What Terraform sets in the environment of a provider that it starts.
STARTED_BY_TERRAFORM = "TF_PLUGIN_MAGIC_COOKIE"
HANDSHAKE, PROTOCOL = 1, 6
LIFETIME = timedelta(days=1)
WORKERS = 8


def main() -> int:
    """Serve until Terraform says that it is done, or a signal comes."""
    server = grpc.server(futures.ThreadPoolExecutor(WORKERS))
    done = threading.Event()
    rpc.add_ProviderServicer_to_server(Provider(google_schemas()), server)
    controller_rpc.add_GRPCControllerServicer_to_server(_Controller(done), server)
    stdio_rpc.add_GRPCStdioServicer_to_server(_Stdio(), server)
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder, "provider.sock")
        if STARTED_BY_TERRAFORM in os.environ:
            greeting = _secured(server, socket)
        else:
            greeting = _open(server, socket)
            for ending in (signal.SIGTERM, signal.SIGINT):
                signal.signal(ending, lambda *_: done.set())
        server.start()
        sys.stdout.write(f"{greeting}\n")
        sys.stdout.flush()
        done.wait()
        server.stop(grace=1).wait()
    return 0


def _secured(server: grpc.Server, socket: Path) -> str:
    """Return what go-plugin reads from the first line: https://github.com/hashicorp/go-plugin."""
    certificate, credentials = _self_signed()
    server.add_secure_port(f"unix://{socket}", credentials)
    encoded = base64.b64encode(certificate).decode().rstrip("=")
    return f"{HANDSHAKE}|{PROTOCOL}|unix|{socket}|grpc|{encoded}"


def _open(server: grpc.Server, socket: Path) -> str:
    """Return the value of TF_REATTACH_PROVIDERS; the socket's folder is its owner's alone."""
    server.add_insecure_port(f"unix://{socket}")
    address = {"Network": "unix", "String": str(socket)}
    here = {"Protocol": "grpc", "ProtocolVersion": PROTOCOL, "Pid": os.getpid(), "Test": True}
    return json.dumps({GOOGLE: {**here, "Addr": address}})


class _Controller(controller_rpc.GRPCControllerServicer):  # type: ignore[misc]
    def __init__(self, done: threading.Event) -> None:
        self._done = done

    def Shutdown(self, _request: Any, _context: Any) -> Any:
        self._done.set()
        return controller.Empty()


class _Stdio(stdio_rpc.GRPCStdioServicer):  # type: ignore[misc]
    def StreamStdio(self, _request: Any, _context: Any) -> Any:
        return iter(())


def _self_signed() -> tuple[bytes, grpc.ServerCredentials]:
    """Return a certificate for this one run, and what the server shows of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    chain = [(secret, certificate.public_bytes(serialization.Encoding.PEM))]
    der = certificate.public_bytes(serialization.Encoding.DER)
    return der, grpc.ssl_server_credentials(chain)


if __name__ == "__main__":
    sys.exit(main())
