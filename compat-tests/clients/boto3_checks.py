"""What users of boto3 do. `python boto3_checks.py NAME` runs one check against AWS_ENDPOINT_URL."""

import base64
import hashlib
import io
import os
import random
import socket
import sys
import threading
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

MIB = 1024 * 1024
ODD_KEYS = [
    "with space", "plus+sign", "percent%20literal", "100%", "ünïcödé/日本語", "emoji-😀", "a//b", "/leading",
    "folder/", ".hidden", "a..b", "...", "quote'\"", "q?x=1&amp;y", "hash#tag", "<tag>", "line\nbreak", "tab\there",
    "bell\x07", "~(paren)!*", "x" * 1024,
]
# What the storage under the server lacks, by the names of compat-tests/support/mounts.mjs.
LACKS = os.environ.get("COMPAT_LACKS", "").split()


def storable(key):
    segments = key.strip("/").split("/")
    needs = {
        "any_segments": any(segment in ("", ".", "..") for segment in segments),
        "leading_slash": key.startswith("/"),
        "long_segments": any(len(segment.encode()) > 255 for segment in segments),
    }
    return not any(needs.get(feature) for feature in LACKS)


def client(**options):
    config = Config(retries={"max_attempts": 1, "mode": "standard"}, **options)
    return boto3.client("s3", config=config)


def data(size, seed=1):
    return random.Random(seed).randbytes(size)


def code_of(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


class Unseekable(io.RawIOBase):
    """A source whose length nobody knows, as a socket or a pipe is."""

    def __init__(self, content):
        self.content = io.BytesIO(content)

    def readable(self):
        return True

    def readinto(self, buffer):
        chunk = self.content.read(min(len(buffer), 70_001))
        buffer[: len(chunk)] = chunk
        return len(chunk)


def check_put_and_get(s3, bucket):
    for size in (0, 1, 4096, 100_000, 3 * MIB):
        body = data(size, size)
        put = s3.put_object(Bucket=bucket, Key=f"o{size}", Body=body, ContentType="application/x-test",
                            Metadata={"owner": "me", "empty": ""})
        assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"', put
        assert put["ChecksumType"] == "FULL_OBJECT", put
        got = s3.get_object(Bucket=bucket, Key=f"o{size}", ChecksumMode="ENABLED")
        assert got["Body"].read() == body
        assert got["ContentType"] == "application/x-test"
        assert got["Metadata"] == {"owner": "me", "empty": ""}, got["Metadata"]
        assert got["ChecksumCRC32"] == put["ChecksumCRC32"]


def check_all_checksums(s3, bucket):
    body = data(200_000)
    for algorithm in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"):
        name = f"Checksum{algorithm}"
        put = s3.put_object(Bucket=bucket, Key=algorithm, Body=body, ChecksumAlgorithm=algorithm)
        head = s3.head_object(Bucket=bucket, Key=algorithm, ChecksumMode="ENABLED")
        assert head[name] == put[name], (algorithm, head)
    assert put["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(body).digest()).decode()
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    assert code_of(s3.put_object, Bucket=bucket, Key="bad", Body=body, ChecksumSHA256=wrong) is not None
    wrong_md5 = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    assert code_of(s3.put_object, Bucket=bucket, Key="bad", Body=body, ContentMD5=wrong_md5) == "BadDigest"
    assert code_of(s3.head_object, Bucket=bucket, Key="bad") == "404"


def check_trailing_checksum_of_a_stream(s3, bucket):
    """A stream is sent as aws-chunked with a trailer; what is stored is neither encoded nor marked so."""
    body = data(1_500_000)
    s3.put_object(Bucket=bucket, Key="stream", Body=io.BufferedReader(io.BytesIO(body)), ContentEncoding="x-own")
    got = s3.get_object(Bucket=bucket, Key="stream", ChecksumMode="ENABLED")
    assert got["Body"].read() == body
    assert got["ContentEncoding"] == "x-own", got["ContentEncoding"]


def check_upload_fileobj_of_unknown_length(s3, bucket):
    for size in (0, 10, 8 * MIB, 17 * MIB + 3):
        body = data(size, size)
        s3.upload_fileobj(Unseekable(body), bucket, f"unknown{size}")
        back = io.BytesIO()
        s3.download_fileobj(bucket, f"unknown{size}", back)
        assert back.getvalue() == body, size


def check_download_in_parallel_ranges(s3, bucket):
    body = data(24 * MIB + 7)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=8)
    s3.upload_fileobj(io.BytesIO(body), bucket, "ranged", Config=config)
    back = io.BytesIO()
    s3.download_fileobj(bucket, "ranged", back, Config=config)
    assert back.getvalue() == body
    for header, expected in (("bytes=0-0", body[:1]), ("bytes=5242879-5242881", body[5242879:5242882]),
                             ("bytes=-9", body[-9:]), (f"bytes={len(body) - 1}-{len(body) + 99}", body[-1:])):
        got = s3.get_object(Bucket=bucket, Key="ranged", Range=header)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert got["Body"].read() == expected, header
    part = s3.get_object(Bucket=bucket, Key="ranged", PartNumber=2)
    assert part["PartsCount"] == 5 and part["Body"].read() == body[5 * MIB:10 * MIB]


LENGTHS = {"CRC32": 4, "CRC32C": 4, "CRC64NVME": 8, "SHA1": 20, "SHA256": 32}


def check_multipart_checksums(s3, bucket):
    first, second = data(5 * MIB, 1), data(123, 2)
    kept = "kept_checksums" not in LACKS
    for algorithm, kind in (("CRC32", "FULL_OBJECT"), ("CRC64NVME", "FULL_OBJECT"), ("SHA256", "COMPOSITE"),
                            ("CRC32C", "COMPOSITE")):
        key = f"mp-{algorithm}"
        upload = s3.create_multipart_upload(Bucket=bucket, Key=key, ChecksumAlgorithm=algorithm, ChecksumType=kind)
        parts = []
        for number, body in ((1, first), (2, second)):
            part = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload["UploadId"], PartNumber=number, Body=body,
                                  ChecksumAlgorithm=algorithm)
            name = f"Checksum{algorithm}"
            assert (name in part) == kept, part
            parts.append({"PartNumber": number, "ETag": part["ETag"], **({name: part[name]} if kept else {})})
        wrong = {f"Checksum{algorithm}": base64.b64encode(bytes(LENGTHS[algorithm])).decode()}
        assert code_of(s3.upload_part, Bucket=bucket, Key=key, UploadId=upload["UploadId"], PartNumber=2, Body=second,
                       **wrong) == "BadDigest"
        done = s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload["UploadId"], ChecksumType=kind,
                                            MultipartUpload={"Parts": parts})
        if kept:
            assert done["ChecksumType"] == kind, done
            assert done[f"Checksum{algorithm}"].endswith("-2") == (kind == "COMPOSITE"), done
        got = s3.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        assert got["Body"].read() == first + second
        assert kept or not any(name.startswith("Checksum") for name in {**done, **got}), (done, got)


def check_paginators(s3, bucket):
    keys = [f"p/{index:03}/leaf" for index in range(57)] + ["q", "r/1"]
    threads = [threading.Thread(target=s3.put_object, kwargs={"Bucket": bucket, "Key": key}) for key in keys]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    names = ["list_objects", "list_objects_v2"] + ["list_object_versions"] * ("versioning" not in LACKS)
    for name in names:
        for size in (1, 7, 1000):
            pages = s3.get_paginator(name).paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
            field = "Versions" if name == "list_object_versions" else "Contents"
            assert [entry["Key"] for page in pages for entry in page.get(field, [])] == keys, (name, size)
            pages = s3.get_paginator(name).paginate(Bucket=bucket, Prefix="p/", Delimiter="/",
                                                    PaginationConfig={"PageSize": size})
            found = [prefix["Prefix"] for page in pages for prefix in page.get("CommonPrefixes", [])]
            assert found == [f"p/{index:03}/" for index in range(57)], (name, size, found)
    after = s3.list_objects_v2(Bucket=bucket, StartAfter="p/055/leaf", FetchOwner=True)
    assert [entry["Key"] for entry in after["Contents"]] == ["p/056/leaf", "q", "r/1"]
    assert after["Contents"][0]["Owner"]["ID"]
    none = s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert none["IsTruncated"] is False and "Contents" not in none


def check_odd_keys(s3, bucket):
    keys = [key for key in ODD_KEYS if storable(key)]
    for key in ODD_KEYS:
        if key not in keys:
            assert code_of(s3.put_object, Bucket=bucket, Key=key) == "NotImplemented", key
    for index, key in enumerate(keys):
        s3.put_object(Bucket=bucket, Key=key, Body=data(50, index))
    for index, key in enumerate(keys):
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == data(50, index), key
    listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(keys, key=lambda key: key.encode()), listed
    assert code_of(s3.put_object, Bucket=bucket, Key="x" * 1025) == "KeyTooLongError"
    s3.copy_object(Bucket=bucket, Key="copy of it", CopySource={"Bucket": bucket, "Key": "plus+sign"})
    assert s3.get_object(Bucket=bucket, Key="copy of it")["Body"].read() == data(50, 1)
    result = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    assert len(result["Deleted"]) == len(keys) and "Errors" not in result, result
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["copy of it"]


def check_a_file_and_a_folder_of_one_name(s3, bucket):
    for order in (["a", "a/b", "a/b/c"], ["z/y/x", "z/y", "z"]):
        for key in order:
            s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
        for key in order:
            assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    s3.delete_object(Bucket=bucket, Key="a")
    assert s3.get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"a/b"


def check_conditional_writes(s3, bucket):
    assert code_of(s3.put_object, Bucket=bucket, Key="c", Body=b"1", IfMatch='"0"') in ("NoSuchKey", "PreconditionFailed")
    etag = s3.put_object(Bucket=bucket, Key="c", Body=b"1", IfNoneMatch="*")["ETag"]
    assert code_of(s3.put_object, Bucket=bucket, Key="c", Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    s3.put_object(Bucket=bucket, Key="c", Body=b"2", IfMatch=etag)
    assert code_of(s3.put_object, Bucket=bucket, Key="c", Body=b"3", IfMatch=etag) == "PreconditionFailed"
    assert s3.get_object(Bucket=bucket, Key="c")["Body"].read() == b"2"
    outcomes = []

    def race(number):
        outcomes.append(code_of(client().put_object, Bucket=bucket, Key="one winner", Body=str(number).encode(),
                                IfNoneMatch="*"))

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert outcomes.count(None) == 1, outcomes
    assert set(outcomes) <= {None, "PreconditionFailed", "ConditionalRequestConflict"}, outcomes


def check_conditional_reads(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="r", Body=b"data")
    modified = s3.head_object(Bucket=bucket, Key="r")["LastModified"]
    assert code_of(s3.get_object, Bucket=bucket, Key="r", IfNoneMatch=put["ETag"]) == "304"
    assert code_of(s3.get_object, Bucket=bucket, Key="r", IfModifiedSince=modified) == "304"
    assert code_of(s3.get_object, Bucket=bucket, Key="r", IfMatch='"x"') == "PreconditionFailed"
    assert s3.get_object(Bucket=bucket, Key="r", IfMatch=put["ETag"])["Body"].read() == b"data"


def check_versions(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    ids = [s3.put_object(Bucket=bucket, Key="v", Body=str(index).encode())["VersionId"] for index in range(4)]
    assert s3.get_object(Bucket=bucket, Key="v", VersionId=ids[1])["Body"].read() == b"1"
    copied = s3.copy_object(Bucket=bucket, Key="old", CopySource={"Bucket": bucket, "Key": "v", "VersionId": ids[0]})
    assert copied["CopySourceVersionId"] == ids[0]
    assert s3.get_object(Bucket=bucket, Key="old")["Body"].read() == b"0"
    assert s3.delete_object(Bucket=bucket, Key="v")["DeleteMarker"] is True
    assert code_of(s3.get_object, Bucket=bucket, Key="v") == "NoSuchKey"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=bucket, Key="v", Body=b"null")
    listing = s3.list_object_versions(Bucket=bucket, Prefix="v")
    assert [version["VersionId"] for version in listing["Versions"]] == ["null", *reversed(ids)], listing
    assert len(listing["DeleteMarkers"]) == 1
    every = [{"Key": entry["Key"], "VersionId": entry["VersionId"]}
             for entry in listing["Versions"] + listing["DeleteMarkers"]]
    assert len(s3.delete_objects(Bucket=bucket, Delete={"Objects": every})["Deleted"]) == 6
    assert "Versions" not in s3.list_object_versions(Bucket=bucket, Prefix="v")


def check_copy(s3, bucket):
    body = data(11 * MIB, 3)
    config = TransferConfig(multipart_threshold=6 * MIB, multipart_chunksize=6 * MIB)
    s3.upload_fileobj(io.BytesIO(body), bucket, "source", ExtraArgs={"Metadata": {"k": "v"}}, Config=config)
    s3.copy({"Bucket": bucket, "Key": "source"}, bucket, "in parts", Config=config)
    s3.copy_object(Bucket=bucket, Key="at once", CopySource={"Bucket": bucket, "Key": "source"})
    for key in ("in parts", "at once"):
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body, key
    assert s3.head_object(Bucket=bucket, Key="at once")["Metadata"] == {"k": "v"}
    itself = {"Bucket": bucket, "Key": "source"}
    assert code_of(s3.copy_object, Bucket=bucket, Key="source", CopySource=itself) == "InvalidRequest"
    s3.copy_object(Bucket=bucket, Key="source", CopySource=itself, MetadataDirective="REPLACE", Metadata={"k": "w"})
    assert s3.head_object(Bucket=bucket, Key="source")["Metadata"] == {"k": "w"}


def check_tags_and_metadata_in_unicode(s3, bucket):
    s3.put_object(Bucket=bucket, Key="t", Body=b"", Tagging="colour=blue&n=1")
    tags = s3.get_object_tagging(Bucket=bucket, Key="t")["TagSet"]
    assert tags == [{"Key": "colour", "Value": "blue"}, {"Key": "n", "Value": "1"}], tags
    tag_set = [{"Key": "schlüssel", "Value": "wert ü+/="}]
    s3.put_object_tagging(Bucket=bucket, Key="t", Tagging={"TagSet": tag_set})
    assert s3.get_object_tagging(Bucket=bucket, Key="t")["TagSet"] == tag_set
    assert s3.get_object(Bucket=bucket, Key="t")["TagCount"] == 1


def check_presigned(s3, bucket):
    body = data(5_000)
    # For an endpoint of one's own boto3 signs links with the old signature unless told otherwise.
    s3 = client(signature_version="s3v4")
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "ü +", "ContentType": "text/x-own"})
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": "text/x-own"})
    assert urllib.request.urlopen(request).status == 200
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "ü +",
                                                   "ResponseContentDisposition": 'attachment; filename="x y"'})
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == body
        assert answer.headers["Content-Type"] == "text/x-own"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="x y"'


def check_virtual_host_addressing(_, bucket):
    """The bucket is in the host name, which resolves to loopback here."""
    endpoint = os.environ["AWS_ENDPOINT_URL"].replace("127.0.0.1", os.environ["COMPAT_DOMAIN"])
    resolve = socket.getaddrinfo
    socket.getaddrinfo = lambda host, *rest, **named: resolve(
        "127.0.0.1" if host.endswith(os.environ["COMPAT_DOMAIN"]) else host, *rest, **named)
    virtual = boto3.client("s3", endpoint_url=endpoint,
                           config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))
    seen = []
    virtual.meta.events.register("before-send.s3", lambda request, **_: seen.append(request.url))
    body = data(9 * MIB, 4)
    key = next(key for key in ("v h+ö//x", "v h+ö/x") if storable(key))
    virtual.upload_fileobj(io.BytesIO(body), bucket, key)
    assert virtual.get_object(Bucket=bucket, Key=key)["Body"].read() == body
    assert [entry["Key"] for entry in virtual.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    url = virtual.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key})
    assert urllib.request.urlopen(url).read() == body
    assert all(f"//{bucket}.{os.environ['COMPAT_DOMAIN']}" in url for url in seen), seen


def check_signed_chunks(_, bucket):
    """Older clients sign the payload's SHA-256 instead of a trailer."""
    old = client(request_checksum_calculation="when_required", response_checksum_validation="when_required",
                 s3={"payload_signing_enabled": True})
    body = data(300_000)
    old.put_object(Bucket=bucket, Key="signed", Body=body)
    assert old.get_object(Bucket=bucket, Key="signed")["Body"].read() == body


def check_errors(s3, bucket):
    assert code_of(s3.get_object, Bucket=bucket, Key="none") == "NoSuchKey"
    assert code_of(s3.get_object, Bucket="no-bucket-of-this-name", Key="none") == "NoSuchBucket"
    assert code_of(s3.head_object, Bucket=bucket, Key="none") == "404"
    assert code_of(s3.complete_multipart_upload, Bucket=bucket, Key="k", UploadId="nope",
                   MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "x"}]}) == "NoSuchUpload"
    s3.put_object(Bucket=bucket, Key="k")
    assert code_of(s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    s3.delete_object(Bucket=bucket, Key="never there")


def check_waiters(s3, bucket):
    s3.put_object(Bucket=bucket, Key="w")
    s3.get_waiter("object_exists").wait(Bucket=bucket, Key="w")
    s3.delete_object(Bucket=bucket, Key="w")
    s3.get_waiter("object_not_exists").wait(Bucket=bucket, Key="w")
    s3.get_waiter("bucket_exists").wait(Bucket=bucket)


def main(name):
    s3 = client()
    bucket = f"boto3-{name.replace('_', '-')}"[:63].rstrip("-")
    s3.create_bucket(Bucket=bucket)
    globals()[f"check_{name}"](s3, bucket)


if __name__ == "__main__":
    main(sys.argv[1])
