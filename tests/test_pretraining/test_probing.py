"""Probing of frozen features: values, and folds without common groups."""

import json
import runpy
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from simhand_mm.pool import HandPool
from simhand_mm.pretraining.checkpoints import build_like
from simhand_mm.pretraining.encoders import load_frozen
from simhand_mm.pretraining.folds import select_hands, split_by_group
from simhand_mm.pretraining.probing import names_of, probe, probe_backbones
from simhand_mm.pretraining.publishing import EncoderRecipe, save_backbone
from simhand_mm.probe_options import ProbeSettings
from tests.references import probing as reference

ROOT = Path(__file__).parents[2]
RECIPE = EncoderRecipe(
    {"type": "simhand_mm.HandPairPreprocessor", "input_size": 32},
    {"type": "ResNet", "depth": 18, "base_channels": 8, "stem_channels": 8},
    reduce=2,
)


def labelled_groups(num_groups=20, per_group=6, classes=3, seed=0):
    """Labels that are spread over groups, and features in which classes overlap."""
    rng = np.random.default_rng(seed)
    groups = np.repeat([f"g{i:02d}" for i in range(num_groups)], per_group)
    labels = rng.choice([f"class {i}" for i in range(classes)], len(groups))
    features = rng.normal(size=(len(groups), 5)) + 1.5 * np.array(
        [[label == f"class {i}" for i in range(5)] for label in labels]
    )
    return features, labels, groups


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_accuracies_equal_slow_references(metric):
    features, labels, groups = labelled_groups()
    splits = split_by_group(labels, groups, 4, seed=0)
    result = probe(features, labels, splits, 5, metric)
    for fold, (train, test) in enumerate(splits):
        parts = (features[train], labels[train], features[test])
        expected = (reference.knn(*parts, 5, metric) == labels[test]).mean()
        assert result["knn"]["folds"][fold] == pytest.approx(expected)
        expected = (reference.linear(*parts) == labels[test]).mean()
        assert result["linear"]["folds"][fold] == pytest.approx(expected)
    assert 0.4 < result["linear"]["mean"] < 0.95
    assert result["knn"]["std"] == pytest.approx(np.std(result["knn"]["folds"], ddof=1))


@pytest.mark.parametrize("num_groups, folds", [(20, 5), (3, 3), (2, 2), (7, 4)])
def test_folds_have_no_common_group_and_test_each_hand_once(num_groups, folds):
    _, labels, groups = labelled_groups(num_groups)
    splits = split_by_group(labels, groups, folds, seed=1)
    assert len(splits) == folds
    for train, test in splits:
        assert len(test) and not set(groups[train]) & set(groups[test])
        assert len(train) + len(test) == len(labels)
    assert sorted(np.concatenate([test for _, test in splits])) == list(range(len(labels)))


def test_recognising_the_group_does_not_help():
    """Features that encode the group only; each group has one random label."""
    rng = np.random.default_rng(0)
    groups = np.repeat([f"g{i:03d}" for i in range(100)], 5)
    labels = np.repeat(rng.permutation(["a", "b"] * 50), 5)
    features = np.repeat(rng.normal(size=(100, 8)), 5, axis=0) + rng.normal(0, 1e-3, (500, 8))
    result = probe(features, labels, split_by_group(labels, groups, 5, 0), 3)
    leaking = [(np.arange(500)[np.arange(500) % 5 != k], np.arange(k, 500, 5)) for k in range(5)]
    assert probe(features, labels, leaking, 3)["knn"]["mean"] == 1.0
    assert abs(result["knn"]["mean"] - 0.5) < 0.15
    assert abs(result["linear"]["mean"] - 0.5) < 0.15


@pytest.fixture
def table(tmp_path, data_root):
    """Videos a to d show "up", e to h "down"; a hand of d has no label, g no person."""
    path = tmp_path / "labels.csv"
    rows = ["hand_id;sign;person"]
    for video in "abcdefgh":
        for frame in range(4):
            sign = "" if (video, frame) == ("d", 1) else "up" if video < "e" else "down"
            rows.append(f"{video}/{frame:06d}/0;{sign};{'' if video == 'g' else video}")
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def settings_of(table, changes=()):
    usual = {"label": "sign", "group": "person", "table": table, "folds": 3, "neighbors": 3}
    return ProbeSettings(**{**usual, **dict(changes)})


def save_random_backbone(path, recipe: EncoderRecipe | None = RECIPE, seed=0):
    torch.manual_seed(seed)
    network = build_like(
        {
            "conv1.weight": torch.empty(8, 3, 7, 7),
            "layer1.0.conv1.weight": torch.empty(8, 8, 3, 3),
            "layer3.0.conv1.weight": torch.empty(0),
            "layer3.1.conv1.weight": torch.empty(0),
        }
    )
    meta = {} if recipe is None else {"recipe": asdict(recipe)}
    save_backbone(path, network.state_dict(), meta)
    return path


def test_hands_that_cannot_be_probed_are_counted(data_root, table):
    pool = HandPool(data_root / "pool")
    hands = select_hands(pool, settings_of(table))
    assert hands.drops == {
        "without_label": 1,
        "without_group": 4,
        "with_broken_keypoints": 0,
        "of_a_class_in_one_group": 0,
    }
    assert len(hands.rows) == 27 and set(hands.groups) == set("abcdefh")
    lonely = table.read_text().replace("a/000000/0;up", "a/000000/0;fist")
    table.write_text(lonely)
    assert select_hands(pool, settings_of(table)).drops["of_a_class_in_one_group"] == 1


def test_table_of_backbones(data_root, table, tmp_path):
    files = []
    for seed, name in enumerate(("one", "two")):
        (tmp_path / name).mkdir()
        files.append(save_random_backbone(tmp_path / name / "backbone.pth", seed=seed))
    pool = HandPool(data_root / "pool")
    result = probe_backbones(pool, files, settings_of(table))
    names = [row["name"] for row in result["rows"]]
    assert names == ["one", "random weights", "two", "2D keypoints"]
    assert [row["num_features"] for row in result["rows"]] == [64, 64, 64, 42]
    assert result["num_classes"] == 2 and 0.3 < result["chance"]["mean"] < 0.7
    again = probe_backbones(pool, files, settings_of(table))
    assert again == result


def test_command_writes_page_and_numbers(data_root, table, tmp_path, monkeypatch, capsys):
    backbone = save_random_backbone(tmp_path / "small.pth")
    out = tmp_path / "probe.html"
    line = f"{data_root}/pool {backbone} --label sign --table {table} --group video_id --folds 2"
    arguments = ["simhand", *line.split(), "--neighbors", "3", "-o", str(out)]
    monkeypatch.setattr(sys, "argv", arguments)
    runpy.run_path(str(ROOT / "tools" / "probe_features.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert "random weights" in printed and "1 without label" in printed
    numbers = json.loads(out.with_suffix(".json").read_text())
    mean = f"{100 * numbers['rows'][0]['linear']['mean']:.1f} ± "
    assert mean in printed and mean in out.read_text()


def test_features_equal_those_of_the_monitor(data_root, tmp_path):
    """Crops at half size, cut as without augmentation, and the mean of the last map."""
    from torch.utils.data import Subset

    from simhand_mm.pretraining.dataset import HandPairDataset
    from simhand_mm.pretraining.features import embed_hands

    frozen = load_frozen(save_random_backbone(tmp_path / "a.pth"))
    network, preprocessor = frozen.build(), frozen.build_preprocessor()
    hands = HandPairDataset(str(data_root), "pool", reduce=frozen.recipe.reduce)
    assert hands.crops.size == 24
    features, _ = embed_hands(lambda x: network(x)[-1], preprocessor, Subset(hands, [3, 7]), 1)
    for row, feature in zip((3, 7), features, strict=True):
        inputs = preprocessor(hands.__getitems__([row]), training=False)["inputs"][:1]
        assert inputs.shape == (1, 3, 32, 32)
        with torch.no_grad():
            expected = network(inputs)[-1].mean((2, 3))[0]
        torch.testing.assert_close(feature, expected)


def test_sources_of_the_recipe(tmp_path):
    bare = save_random_backbone(tmp_path / "bare.pth", None)
    with pytest.raises(ValueError, match="--config"):
        load_frozen(bare)
    assert load_frozen(bare, input_size=64).build_preprocessor().input_size == 64
    config = tmp_path / "config.py"
    config.write_text(
        f"model = dict(backbone=dict(**{RECIPE.backbone}, init_cfg=dict(type='Pretrained')), "
        f"data_preprocessor=dict({RECIPE.preprocessor}))\n"
        "train_dataloader = dict(dataset=dict(reduce=2))\n"
    )
    assert load_frozen(bare, config).recipe == RECIPE
    assert load_frozen(save_random_backbone(tmp_path / "own.pth")).recipe == RECIPE
    config.write_text("model = dict(backbone=dict(type='ResNet'))\n")
    with pytest.raises(ValueError, match="config must be a pre-training config"):
        load_frozen(bare, config)


@pytest.mark.parametrize(
    "recipe",
    [
        {"preprocessor": {"type": "subprocess.Popen"}, "backbone": None, "reduce": 1},
        {"preprocessor": {}, "backbone": {"norm_cfg": {"type": "os.system"}}, "reduce": 1},
        {"preprocessor": {}, "backbone": {"init_cfg": {"checkpoint": "x"}}, "reduce": 1},
        {"preprocessor": {}},
        "garbage",
    ],
)
def test_recipe_of_a_file_cannot_run_code(recipe, tmp_path):
    save_backbone(tmp_path / "a.pth", {"conv1.weight": torch.zeros(1)}, {"recipe": recipe})
    with pytest.raises(ValueError, match="registered modules"):
        load_frozen(tmp_path / "a.pth")


def test_wrong_settings_raise(data_root, table, tmp_path):
    pool = HandPool(data_root / "pool")
    _, labels, groups = labelled_groups(4)
    for changes, message in (
        ({"label": "nonsense"}, "nonsense"),
        ({"table": tmp_path / "nowhere.csv"}, "nowhere.csv"),
        ({"label": "person"}, "two classes"),
        ({"label": "source", "group": "video_id", "table": None}, "two classes"),
        ({"folds": 9}, "folds must be"),
        ({"neighbors": 30}, "neighbors must be"),
    ):
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            probe_backbones(pool, [], settings_of(table, changes))
    with pytest.raises(ValueError, match="folds must be"):
        split_by_group(labels, groups, 1, 0)
    with pytest.raises(ValueError, match="two classes"):
        split_by_group(np.array(["a", "a", "b", "b"]), np.array([*"wwxx"]), 2, 0)
    other = EncoderRecipe(RECIPE.preprocessor, {**RECIPE.backbone, "base_channels": 16})
    with pytest.raises(ValueError, match="reshaped"):
        load_frozen(save_random_backbone(tmp_path / "a.pth", other)).build()


def test_names_are_unique():
    assert names_of(["a/backbone.pth", "b/backbone.pth", "c.pth"]) == ["a", "b", "c"]
    assert names_of(["x/a/backbone.pth", "y/a/backbone.pth"]) == [
        "x/a/backbone.pth",
        "y/a/backbone.pth",
    ]
