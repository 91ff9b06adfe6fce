"""The shard API as its documentation describes it, spoken by httpx: `python shard_api.py BASE_URL [--file-keys]`.

Needs a running node that accepts anonymous shard calls, and leaves no shards behind. The answers when the node is full
are looked at only where it is small (`--max-storage 0.05`). With `--file-keys` the node stores where keys are names of
files (MinIO): ids that cannot be such names are refused there. Ends with `N passed, N failed`; exit code 1 when one failed.
"""

import base64
import datetime
import hashlib
import json
import os
import socket
import sys
import threading
import traceback
import urllib.parse
import uuid

import httpx

MIB = 1024 * 1024
FILE_KEYS = "--file-keys" in sys.argv
ARGUMENTS = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
BASE_URL = ARGUMENTS[0].rstrip("/") if ARGUMENTS else "http://127.0.0.1:8001"
RUN = uuid.uuid4().hex[:8]
STORE = "/api/v1/shards/store"
counts = {"passed": 0, "failed": 0}
stored_ids = set()


def expect(what, found, wanted=True):
    """One expectation; the others are looked at whatever comes of it."""
    if found == wanted:
        counts["passed"] += 1
    else:
        counts["failed"] += 1
        print(f"FAILED {what}: {str(found)[:300]!r} instead of {str(wanted)[:300]!r}")


def encode(shard_id):
    """Every byte that is not a letter or digit percent-encoded, dots too: clients fold dot segments."""
    return "".join(chr(b) if chr(b).isalnum() and b < 128 else f"%{b:02X}" for b in shard_id.encode())


def path_of(shard_id):
    return f"/api/v1/shards/{encode(shard_id)}"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def document(shard_id, content, **changes):
    encoded = base64.b64encode(content).decode()
    return {"shard_id": shard_id, "shard_data": encoded, "original_hash": sha256(content), **changes}


def store(client, shard_id, content, **changes):
    stored_ids.add(shard_id)
    return client.post(STORE, json=document(shard_id, content, **changes))


def content_of(client, shard_id):
    answer = client.get(path_of(shard_id))
    return base64.b64decode(answer.json()["shard_data"], validate=True) if answer.status_code == 200 else None


def is_time(text):
    if not isinstance(text, str) or text.endswith("Z"):
        return False
    return datetime.datetime.fromisoformat(text).utcoffset() == datetime.timedelta(0)


def is_text_error(answer):
    return set(answer.json()) == {"detail"} and isinstance(answer.json()["detail"], str)


def is_list_error(answer):
    detail = answer.json().get("detail")
    return (
        isinstance(detail, list)
        and len(detail) > 0
        and all(isinstance(d["loc"], list) and isinstance(d["msg"], str) and isinstance(d["type"], str) for d in detail)
    )


def expect_refused(what, answer, status):
    expect(f"status of {what}", answer.status_code, status)
    shape = is_list_error if status == 422 else is_text_error
    expect(f"error shape of {what}", shape(answer))


def check_root_and_health(client):
    root = client.get("/").json()
    expect("fields of /", {"service", "version", "status", "node_id", "timestamp"} <= set(root))
    expect("status of /", root["status"], "running")
    expect("time of /", is_time(root["timestamp"]))
    health = client.get("/health")
    expect("status of /health", (health.status_code, health.json()["status"]), (200, "healthy"))
    expect("node_status of /health", set(health.json()["node_status"]), set(client.get("/api/v1/status").json()))
    expect("time of /health", is_time(health.json()["timestamp"]))


def check_status(client):
    status = client.get("/api/v1/status").json()
    fields = {"node_id", "node_type", "storage", "shards", "network", "uptime", "last_updated"}
    expect("fields of status", fields <= set(status))
    expect("node_type", status["node_type"], "backup")
    storage = {"used_bytes", "max_bytes", "used_percentage", "available_bytes"}
    expect("fields of storage", storage <= set(status["storage"]))
    expect("fields of shards", {"total_count", "total_size_bytes"} <= set(status["shards"]))
    expect("fields of network", {"connected_nodes", "active_transfers"} <= set(status["network"]))
    expect("uptime in seconds", isinstance(status["uptime"], (int, float)) and 0 <= status["uptime"] < 1e8)
    expect("last_updated", is_time(status["last_updated"]))
    used = status["storage"]["used_bytes"]
    expect("available_bytes", status["storage"]["available_bytes"], max(0, status["storage"]["max_bytes"] - used))


def check_store_and_retrieve(client):
    for size in (0, 1, 2, 3, 4096, 100_000, 3 * MIB):
        shard_id, content = f"{RUN}-{size}", os.urandom(size)
        answer = store(client, shard_id, content)
        expect(f"storing {size} bytes", answer.status_code, 200)
        expect(f"answer to storing {size}", (answer.json()["success"], answer.json()["shard_id"]), (True, shard_id))
        expect(f"message of storing {size}", isinstance(answer.json()["message"], str))
        shard = client.get(path_of(shard_id)).json()
        expect(f"content of {size} bytes", base64.b64decode(shard["shard_data"], validate=True) == content)
        expect(f"fields of {size} bytes", (shard["shard_id"], shard["size_bytes"]), (shard_id, size))
        expect(f"retrieved_at of {size}", is_time(shard["retrieved_at"]))


def check_optional_fields(client):
    for name, changes in {
        "null": {"source_node": None, "metadata": None},
        "given": {"source_node": "main-1", "metadata": {"nested": {"list": [1, None, "ü"]}}},
        "unknown": {"something_else": 1},
    }.items():
        shard_id = f"{RUN}-optional-{name}"
        expect(f"storing with {name} fields", store(client, shard_id, b"x", **changes).status_code, 200)
        entry = client.get("/api/v1/shards", params={"prefix": shard_id}).json()["shards"][0]
        expect(f"source_node {name}", entry["source_node"], changes.get("source_node"))


def check_digest(client):
    shard_id = f"{RUN}-digest"
    expect_refused("a wrong digest", store(client, shard_id, b"data", original_hash=sha256(b"other")), 400)
    expect("nothing stored", client.get(path_of(shard_id)).status_code, 404)
    upper = store(client, shard_id, b"data", original_hash=sha256(b"data").upper())
    expect("a digest in capitals", upper.status_code, 200)
    expect_refused("a wrong digest later", store(client, shard_id, b"new", original_hash=sha256(b"other")), 400)
    expect("the old content stays", content_of(client, shard_id), b"data")
    for digest in ("", "abc", "g" * 64, "0" * 63, "0" * 65, " " + "0" * 63):
        refused = client.post(STORE, json=document(shard_id, b"data", original_hash=digest))
        expect_refused(f"the digest {digest!r}", refused, 422)


def check_validation(client):
    good = document(f"{RUN}-invalid", b"x")
    for field in ("shard_id", "shard_data", "original_hash"):
        expect_refused(f"no {field}", client.post(STORE, json={k: v for k, v in good.items() if k != field}), 422)
        for value in (None, 5, [], {}, True):
            expect_refused(f"{field} {value!r}", client.post(STORE, json={**good, field: value}), 422)
    for change in ({"source_node": 5}, {"source_node": {}}, {"metadata": "x"}, {"metadata": [1]}, {"metadata": 3}):
        expect_refused(str(change), client.post(STORE, json={**good, **change}), 422)
    headers = {"content-type": "application/json"}
    for body in (b"", b"{", b"[]", b"null", b'"x"', b"not json", b'{"shard_id": "\xff"}', json.dumps(good)[:-1].encode()):
        expect_refused(f"the body {body!r}", client.post(STORE, content=body, headers=headers), 422)
    expect("nothing stored", client.get(path_of(f"{RUN}-invalid")).status_code, 404)


def check_base64(client):
    shard_id = f"{RUN}-base64"
    for text in ("QQ", "QQ=", "QQ===", "=", "====", "Q Q=", "QQ==\n", "QQ-_", "Q*Q=", "QQ==QQ==", "é===", "A"):
        for prefix in ("", "AAAA" * 50_000):
            body = document(shard_id, b"A", shard_data=prefix + text)
            expect_refused(f"base64 {text!r} behind {len(prefix)}", client.post(STORE, json=body), 422)
    expect("nothing stored", client.get(path_of(shard_id)).status_code, 404)


IDS = [
    "a", "a/", "a//", "/a", "//", "a/b", "a//b", "../a", "../../etc/passwd", "..", ".", "a/./b", "with space", "100%", "%2F",
    "%252F", "?x=1&y", "#tag", "plus+plus", "emoji 🐘", "ümlaut", 'quo"te\\', "tab\t", "line\n", "store", ";,:@&=$",
]


def is_file_name(shard_id):
    segments = shard_id.removesuffix("/").split("/")
    return all(part not in ("", ".", "..") and len(part.encode()) <= 255 for part in segments)


def check_ids(client):
    ids = [f"{RUN}{shard_id}" if index % 2 else f"{shard_id}{RUN}" for index, shard_id in enumerate(IDS)]
    ids += IDS[:2] + ["..", ".", "store", "x" * 1024, "ü" * 512]
    if FILE_KEYS:
        for shard_id in [shard_id for shard_id in ids if not is_file_name(shard_id)]:
            expect_refused(f"storing {shard_id[:40]!r}", store(client, shard_id, b"x"), 501)
            expect_refused(f"reading {shard_id[:40]!r}", client.get(path_of(shard_id)), 404)
            ids.remove(shard_id)
    free = [shard_id for shard_id in ids if client.get(path_of(shard_id)).status_code == 404]
    for index, shard_id in enumerate(free):
        answer = store(client, shard_id, f"content {index}".encode())
        expect(f"storing {shard_id[:40]!r}", (answer.status_code, answer.json().get("shard_id")), (200, shard_id))
    for index, shard_id in enumerate(free):
        expect(f"reading {shard_id[:40]!r}", content_of(client, shard_id), f"content {index}".encode())
    listed = [shard["shard_id"] for shard in client.get("/api/v1/shards").json()["shards"]]
    # Where keys are names of files, a listing may leave out what lies under an object.
    hidden = {one for one in free if FILE_KEYS and any(one.startswith(other.rstrip("/") + "/") for other in free)}
    expect("ids in the listing", set(free) - hidden <= set(listed))
    for shard_id in free:
        answer = client.delete(path_of(shard_id))
        expect(f"deleting {shard_id[:40]!r}", (answer.status_code, answer.json().get("shard_id")), (200, shard_id))
    for shard_id in ("", "x" * 1025, "ü" * 513):
        expect_refused(f"storing an id of {len(shard_id)}", client.post(STORE, json=document(shard_id, b"x")), 422)
        expect_refused(f"reading an id of {len(shard_id)}", client.get(path_of(shard_id)), 422)
        expect_refused(f"deleting an id of {len(shard_id)}", client.delete(path_of(shard_id)), 422)


def check_not_found_and_delete(client):
    shard_id = f"{RUN}-gone"
    missing = client.get(path_of(shard_id))
    expect("retrieving what is not there", (missing.status_code, missing.json()), (404, {"detail": "Shard not found"}))
    expect_refused("deleting what is not there", client.delete(path_of(shard_id)), 404)
    store(client, shard_id, b"x")
    deleted = client.delete(path_of(shard_id))
    expect("deleting", (deleted.status_code, deleted.json()["success"]), (200, True))
    expect("message of deleting", isinstance(deleted.json()["message"], str))
    expect_refused("deleting twice", client.delete(path_of(shard_id)), 404)


def check_replacing(client):
    shard_id = f"{RUN}-replaced"
    contents = [bytes([65 + index]) * (1 + 70_000 * index) for index in range(8)]
    store(client, shard_id, contents[0])
    seen, statuses, over = [], [], threading.Event()

    def read():
        with httpx.Client(base_url=BASE_URL, timeout=60) as reader:
            while not over.is_set():
                seen.append(content_of(reader, shard_id))

    def write(content):
        with httpx.Client(base_url=BASE_URL, timeout=60) as writer:
            for _ in range(5):
                statuses.append(store(writer, shard_id, content).status_code)

    readers = [threading.Thread(target=read) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    for thread in readers:
        thread.join()
    expect("concurrent stores", set(statuses), {200})
    expect("readers see old or new, whole", [c if c is None else len(c) for c in seen if c not in contents], [])
    expect("one of them is left", content_of(client, shard_id) in contents)


def check_usage(client):
    def used():
        status = client.get("/api/v1/status").json()
        return status["storage"]["used_bytes"], status["shards"]["total_count"], status["shards"]["total_size_bytes"]

    start, shard_id = used(), f"{RUN}-usage"
    for size, count in ((1000, 1), (300, 1), (5000, 1)):
        store(client, shard_id, os.urandom(size))
        expect(f"used after {size}", used(), (start[0] + size, start[1] + count, start[2] + size))
    client.delete(path_of(shard_id))
    expect("used after deleting", used(), start)


def check_listing(client):
    prefix = f"{RUN}-list/"
    ids = [f"{prefix}{index:03d}" for index in range(25)] + [f"{prefix}ü", f"{prefix}🐘", f"{prefix}\uffee"]
    for shard_id in ids:
        store(client, shard_id, b"12345", source_node="main-1")
    ids.sort(key=str.encode)
    whole = client.get("/api/v1/shards", params={"prefix": prefix}).json()
    expect("order of the listing", [shard["shard_id"] for shard in whole["shards"]], ids)
    expect("totals of a prefix", (whole["total_count"], whole["total_size_bytes"]), (len(ids), 5 * len(ids)))
    expect("no cursor at the end", whole["next_cursor"], None)
    entry = whole["shards"][0]
    expect("entry", (entry["size_bytes"], entry["source_node"], entry["verification_count"]), (5, "main-1", 0))
    expect("times of an entry", (is_time(entry["created_at"]), entry["last_verified"]), (True, None))
    expect("redundancy_level", isinstance(entry["redundancy_level"], int))
    for limit in (1, 7, len(ids), 1000):
        seen, cursor = [], None
        while len(seen) <= len(ids):
            params = {"prefix": prefix, "limit": limit, **({"cursor": cursor} if cursor else {})}
            page = client.get("/api/v1/shards", params=params).json()
            seen += [shard["shard_id"] for shard in page["shards"]]
            expect(f"totals of a page of {limit}", page["total_count"], len(ids))
            cursor = page["next_cursor"]
            if cursor is None:
                break
        expect(f"pages of {limit}", seen, ids)
    everything = client.get("/api/v1/shards").json()
    expect("total_count without prefix", everything["total_count"], len(everything["shards"]))
    sizes = sum(shard["size_bytes"] for shard in everything["shards"])
    expect("total_size_bytes without prefix", everything["total_size_bytes"], sizes)
    for query in ("limit=0", "limit=-1", "limit=x", "cursor=nonsense"):
        expect_refused(query, client.get(f"/api/v1/shards?{query}"), 422)
    content_of(client, ids[0])
    entry = client.get("/api/v1/shards", params={"prefix": ids[0]}).json()["shards"][0]
    expect("verified by reading", (entry["verification_count"], is_time(entry["last_verified"])), (1, True))


def check_too_large(client):
    host = urllib.parse.urlsplit(BASE_URL)
    for head in ("Content-Length: 10000000000", "Transfer-Encoding: chunked"):
        sent, answer = 0, b""
        with socket.create_connection((host.hostname, host.port), timeout=60) as connection:
            request = f"POST {STORE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{head}\r\n\r\n"
            piece = b"A" * 65536
            chunk = b"10000\r\n" + piece + b"\r\n" if "chunked" in head else piece
            try:
                connection.sendall(request.encode())
                while sent < 1024 * MIB:
                    connection.sendall(chunk)
                    sent += len(piece)
            except OSError:
                pass
            try:
                while block := connection.recv(65536):
                    answer += block
            except OSError:
                pass
        expect(f"answer to {head}", answer[:12], b"HTTP/1.1 413")
        expect(f"not read to the end: {head}", sent < 512 * MIB)
    answer = store(client, f"{RUN}-large", bytes(101 * MIB))
    expect_refused("101 MiB", answer, 413)
    expect("nothing stored", client.get(path_of(f"{RUN}-large")).status_code, 404)


def check_nodes(client):
    claim = {"node_id": f"node-{RUN}", "node_type": "main", "address": "127.0.0.1", "port": 8000, "storage_capacity": 10}
    for change in ({}, {"node_type": "anything"}, {"address": "::1"}, {"address": "host.example.test"}, {"storage_capacity": 0}):
        answer = client.post("/api/v1/nodes/register", json={**claim, **change})
        expect(f"registering {change}", (answer.status_code, answer.json().get("success")), (200, True))
        expect(f"node_id of {change}", answer.json().get("node_id"), claim["node_id"])
    listing = client.get("/api/v1/nodes").json()
    node = next(node for node in listing["nodes"] if node["node_id"] == claim["node_id"])
    fields = {"node_id", "node_type", "address", "port", "last_seen", "storage_capacity", "storage_used"}
    expect("fields of a node", fields | {"is_online", "trust_level"} <= set(node))
    expect("a node that has just registered", (node["is_online"], node["trust_level"]), (True, "untrusted"))
    expect("last_seen", is_time(node["last_seen"]))
    expect("counts", (listing["total_count"], listing["online_count"] >= 1), (len(listing["nodes"]), True))
    client.post("/api/v1/nodes/register", json=claim)
    again = next(n for n in client.get("/api/v1/nodes").json()["nodes"] if n["node_id"] == claim["node_id"])
    refreshed = [datetime.datetime.fromisoformat(n["last_seen"]) for n in (node, again)]
    expect("last_seen is refreshed", refreshed[0] < refreshed[1])
    wrong = [{"port": p} for p in (0, 65536, -1, "8000", None)] + [{"storage_capacity": c} for c in (-1, None, "1")]
    wrong += [{"address": a} for a in ("", "a b", "http://a", "a/b", "999.0.0.1", 5)] + [{"node_id": ""}, {"node_type": 1}]
    for change in wrong:
        expect_refused(f"registering {change}", client.post("/api/v1/nodes/register", json={**claim, **change}), 422)
    for field in claim:
        left = {name: value for name, value in claim.items() if name != field}
        expect_refused(f"registering without {field}", client.post("/api/v1/nodes/register", json=left), 422)


def check_full(client):
    available = client.get("/api/v1/status").json()["storage"]["available_bytes"]
    if available > 90 * MIB:
        print("SKIPPED a full node: this one has room for more than one shard can fill")
        return
    expect_refused("a shard that does not fit", store(client, f"{RUN}-full", bytes(available + 1)), 507)
    expect("nothing stored", client.get(path_of(f"{RUN}-full")).status_code, 404)
    expect("a shard that just fits", store(client, f"{RUN}-fits", bytes(available)).status_code, 200)
    expect_refused("one byte more", store(client, f"{RUN}-more", b"x"), 507)
    expect("replacing it", store(client, f"{RUN}-fits", b"\1" * available).status_code, 200)
    client.delete(path_of(f"{RUN}-fits"))
    expect("room again", store(client, f"{RUN}-more", b"x").status_code, 200)


CHECKS = [value for name, value in list(globals().items()) if name.startswith("check_")]


def main():
    with httpx.Client(base_url=BASE_URL, timeout=120) as client:
        for check in CHECKS:
            try:
                check(client)
            except Exception:
                counts["failed"] += 1
                print(f"FAILED {check.__name__}")
                traceback.print_exc(file=sys.stdout)
        for shard_id in stored_ids - {""}:
            client.delete(path_of(shard_id))
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
