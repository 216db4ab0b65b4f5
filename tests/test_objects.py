"""Files in an object store: whole or not there, and what is refused before anything starts. The server is moto's."""

from __future__ import annotations

import pytest

from ablate.errors import StoreError
from ablate.objects import Objects, check_objects
from tests.object_store import BUCKET

pytestmark = pytest.mark.usefixtures("s3")


def test_files_come_back_and_go() -> None:
    objects, other = Objects(f"s3://{BUCKET}/some/place/"), Objects(f"s3://{BUCKET}/some/place2")
    assert objects.names() == []
    content = bytes(range(256)) * 40_000  # above what one part of an upload holds
    objects.write("b/deep/er", content)
    objects.write("a", b"")
    other.write("a", b"of another")
    assert objects.names() == ["a", "b/deep/er"]
    assert objects.read("b/deep/er") == content and objects.read("a") == b""
    objects.write("a", b"anew")
    assert objects.read("a") == b"anew"
    objects.remove("a", "nobody has this")
    assert objects.names() == ["b/deep/er"]
    objects.clear()
    assert objects.names() == [] and other.read("a") == b"of another"


def test_a_file_that_is_not_there_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match="nothing"):
        Objects(f"s3://{BUCKET}/some").read("nothing")


def test_a_place_that_can_be_written_is_left_as_it_was() -> None:
    check_objects(f"s3://{BUCKET}/checked", "--checkpoints")
    assert Objects(f"s3://{BUCKET}/checked").names() == []


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("s3://nobody-has-this/x", "nothing can be written there .*\n  is the bucket there"),
        ("ftp://host/x", "this is no address of an object store\n  write s3://BUCKET/PREFIX"),
        ("/some/folder", "this is no address of an object store"),
        ("s3://", "this is no address of an object store"),
        (f"s3://{BUCKET}/x?endpoint_override=elsewhere", "this is no address of an object store"),
    ],
)
def test_what_cannot_be_used_is_refused(address: str, why: str) -> None:
    with pytest.raises(StoreError, match=f"--checkpoints .*: {why}"):
        check_objects(address, "--checkpoints")


def test_a_key_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(StoreError) as refused:
        check_objects(f"s3://me:secret@{BUCKET}/x", "--checkpoints")
    assert "secret" not in str(refused.value)
