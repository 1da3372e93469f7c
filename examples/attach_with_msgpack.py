"""A client of a graph server without ezmsg_core: sockets, HMAC and MessagePack, as any language has them."""

import hashlib
import hmac
import json
import secrets
import socket
import sys
from pathlib import Path

import msgpack

entry = json.loads(Path(sys.argv[1]).read_text())  # the connection file of the server
key = bytes.fromhex(entry["keys"]["observe"])
connection = socket.socket(socket.AF_UNIX)
connection.connect(entry["unix"])


def proof(side, challenge_head):
    return hmac.new(key, side + hello + challenge_head, hashlib.sha256).digest()


# The handshake: both sides prove the key of the role before anything is decoded.
hello = b"EZMSGCP\0" + (1).to_bytes(2, "big") + bytes([1, 0]) + secrets.token_bytes(32)  # protocol 1, role 1: observe
connection.sendall(hello)
challenge = connection.recv(76, socket.MSG_WAITALL)
if challenge[10] != 0 or not hmac.compare_digest(challenge[44:], proof(b"server", challenge[:44])):
    sys.exit("this is not the server of the connection file")
connection.sendall(proof(b"client", challenge[:44]))

# From here on, both directions are a sequence of MessagePack maps; "frame" says what each of them is.
unpacker = msgpack.Unpacker(max_buffer_size=64 << 20)
packer = msgpack.Packer()
connection.sendall(packer.pack({"frame": "hello", "label": "example", "pid": 0, "host": socket.gethostname()}))
command = {"command": "open_watch", "stream": "topology"}
connection.sendall(packer.pack({"frame": "ask", "id": 1, "command": command}))
while received := connection.recv(1 << 16):
    unpacker.feed(received)
    for frame in unpacker:
        if frame["frame"] == "pushed":  # room for one more item; without credit the server keeps them
            connection.sendall(packer.pack({"frame": "credit", "watch_id": frame["watch_id"], "items": 1}))
        if frame["frame"] == "pushed" and frame["item"]["item"] == "topology":
            units = [unit for process in frame["item"]["state"]["processes"] for unit in process["units"]]
            print(*units, sep="\n", flush=True)
        elif frame["frame"] == "pushed" and frame["item"]["item"] == "topology_event":
            print(frame["item"]["event"]["seq"], frame["item"]["event"]["changes"], flush=True)
        elif frame["frame"] == "faulted":
            sys.exit(frame["text"])
