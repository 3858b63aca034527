"""The server: who may read it, what it answers, and the list that it writes."""

import json
import threading
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import numpy as np
import pytest

from simhand_mm.explorer.exploration import PAIR_DISTANCE, Exploration
from simhand_mm.explorer.layout import MapSettings, place_hands
from simhand_mm.explorer.server import ExplorerServer
from simhand_mm.pool import HandPool
from simhand_mm.pool.id_lists import read_hand_ids
from simhand_mm.preparation.subset import Selection, write_subset
from tests.pools import write_pool
from tests.test_explorer.pools import EVIL, add_pairs, explored_pool


def explore(pool, tmp_path, pairs_name=None):
    places = place_hands(pool, MapSettings())
    return Exploration(pool, places, pairs_name, tmp_path / "exclude.csv")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("explored")


@pytest.fixture(scope="module")
def pool(folder):
    pool = explored_pool(folder / "pool")
    add_pairs(pool)
    return pool


@pytest.fixture(scope="module")
def server(pool, folder):
    with ExplorerServer(explore(pool, folder)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(server, name, **headers):
    with urlopen(Request(server.url + name, headers=headers), timeout=10) as response:
        return response.read()


def refused(address, **options):
    with pytest.raises(HTTPError) as caught:
        urlopen(Request(address, **options), timeout=10)
    return caught.value.code, caught.value.read().decode()


def test_requests_without_the_token_are_refused(server):
    assert server.server_address[0] == "127.0.0.1" and len(server.token) > 20
    base = f"http://127.0.0.1:{server.server_port}"
    for token in ("", "x", server.token[:-1], server.token + "x", "ä"):
        for name in ("", "app.js", "crop?row=0", "places", "hand?row=0"):
            assert refused(f"{base}/{quote(token)}/{name}")[0] == 403
        code, _ = refused(f"{base}/{quote(token)}/excluded", data=b"\xff\xff\xff", method="POST")
        assert code == 403
    assert refused(base)[0] == 403
    assert not server.exploration.is_excluded.any()


def test_names_of_other_sites_are_refused(server):
    code, reason = refused(server.url + "places", headers={"Host": "evil.example:80"})
    assert code == 403 and "127.0.0.1 or localhost" in reason
    get(server, "places", Host=f"localhost:{server.server_port + 1}")  # through a tunnel


def test_files_outside_the_page_are_not_served(server):
    assert get(server, "") == get(server, "index.html")
    for name in ("../server.py", "..%2fserver.py", "%2e%2e/server.py", "/etc/passwd", "nothing"):
        assert refused(server.url + name)[0] == 400


def test_answers(server, pool):
    overview = json.loads(get(server, "overview"))
    assert (overview["num_hands"], overview["num_placed"]) == (24, 23)
    assert (
        overview["color"] == overview["columns"][0] == "label"
        and overview["columns"][-1] == PAIR_DISTANCE
    )
    assert not {"hand_id", "keypoints_2d", "bbox_xyxy", "shard"} & set(overview["columns"])
    places = np.frombuffer(get(server, "places"), "<f4").reshape(-1, 2)
    np.testing.assert_array_equal(places, server.exploration.places)
    content = get(server, "codes?column=label")
    size = int.from_bytes(content[:4], "little")
    assert len(content) == 4 + size + 24
    assert json.loads(content[4 : 4 + size])["values"][0] == {"text": EVIL, "count": 2}
    hand = json.loads(get(server, "hand?row=3"))
    assert hand["hand_id"] == pool.hand_id(3) and hand["is_mirrored"]
    assert hand["values"]["sharpness"] == 3.0 and hand["values"]["brightness"] is None
    assert [(p["row"], p["distance"]) for p in hand["positives"]] == [(4, 0.5), (5, 0.75)]
    assert json.loads(get(server, "hand?row=0"))["positives"] == []
    assert [p["row"] for p in json.loads(get(server, "hand?row=1"))["positives"]] == [2]
    assert get(server, "crop?row=5") == pool.read_crop(5)


@pytest.mark.parametrize(
    "name, message",
    [
        ("codes?column=nothing", "column must be one of"),
        ("codes?column=keypoints_2d", "column must be one of"),
        ("hand?row=24", "row must be 0 to 23"),
        ("crop?row=-1", "row must be 0 to 23"),
        ("hand?row=x", "invalid literal"),
        ("matching?where=sharpness", "must compare columns"),
    ],
)
def test_wrong_requests_are_explained(server, name, message):
    code, reason = refused(server.url + name)
    assert code == 400 and message in reason


def matching(server, **query):
    address = "matching?" + "&".join(f"{k}={quote(v)}" for k, v in query.items())
    bits = np.frombuffer(get(server, address), np.uint8)
    return np.flatnonzero(np.unpackbits(bits, count=24, bitorder="little")).tolist()


def test_hands_are_found_by_condition_and_id(server):
    assert matching(server) == list(range(24))
    assert matching(server, where="sharpness > 9 and label == 'l0'") == [10, 22]
    assert matching(server, text="A/00000") == list(range(10))
    assert matching(server, text="b/", where="frame_index == 4") == [16]
    assert matching(server, text="a/000001/0.") == []  # not a regular expression


def post(server, rows, num_bytes=3):
    mask = np.zeros(24, bool)
    mask[rows] = True
    data = np.packbits(mask, bitorder="little").tobytes()[:num_bytes]
    return Request(server.url + "excluded", data=data, method="POST")


def test_excluded_hands_make_a_smaller_pool(server, pool, folder, tmp_path):
    urlopen(post(server, [2, 3, 20]), timeout=10)
    urlopen(post(server, [2, 20, 23]), timeout=10)
    bits = np.unpackbits(np.frombuffer(get(server, "excluded"), np.uint8), bitorder="little")
    assert np.flatnonzero(bits).tolist() == [2, 20, 23]
    ids = read_hand_ids(folder / "exclude.csv")
    assert ids == [pool.hand_id(row) for row in (2, 20, 23)]
    info = write_subset(pool, tmp_path / "out", Selection(exclude=folder / "exclude.csv"))
    assert info["num_hands"] == 21
    assert (HandPool(tmp_path / "out").rows_of(ids) == -1).all()
    code, reason = refused(server.url + "excluded", data=b"\0\0", method="POST")
    assert code == 400 and "one bit per hand" in reason
    assert read_hand_ids(folder / "exclude.csv") == ids


def test_lists_are_continued_and_ids_of_other_pools_kept(pool, tmp_path):
    (tmp_path / "exclude.csv").write_text("hand_id\na/000004/0\nother/000000/0\n")
    exploration = explore(pool, tmp_path)
    assert np.flatnonzero(exploration.is_excluded).tolist() == [4]
    exploration.exclude(np.arange(24) == 5)
    assert read_hand_ids(tmp_path / "exclude.csv") == ["a/000005/0", "other/000000/0"]
    (tmp_path / "exclude.csv").write_text("hand_id\nother/000000/0\n")
    with pytest.raises(ValueError, match="none of its 1 ids does"):
        explore(pool, tmp_path)


def test_missing_pairs(tmp_path, caplog):
    pool = explored_pool(tmp_path / "pool")
    with pytest.raises(FileNotFoundError, match="available"):
        explore(pool, tmp_path, "nothing")
    overview = explore(pool, tmp_path).overview()
    assert overview["pairs"] is None and "simhand mine" in overview["advice"]
    assert PAIR_DISTANCE not in overview["columns"]
    assert "the page shows no pairs" in caplog.text


def test_empty_pool_without_extra_columns(tmp_path):
    pool = write_pool(tmp_path / "pool", {"a": []})
    exploration = explore(pool, tmp_path)
    assert exploration.overview()["num_hands"] == 0
    assert exploration.overview()["color"] == "sharpness"
    for name in exploration.overview()["columns"]:
        assert len(exploration.codes(name)[0]) == 0
    assert len(exploration.matching("sharpness > 1", "x")) == 0
    exploration.exclude(np.zeros(0, bool))
    assert read_hand_ids(tmp_path / "exclude.csv") == []


def test_ports_in_use_are_reported(server, pool, tmp_path):
    for port in (server.server_port, 70000):
        with pytest.raises(OSError, match=r"port must be free.*[^.]\. Choose"):
            ExplorerServer(explore(pool, tmp_path), port)
