import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope

from simhand_mm.pose.export import CropToKeypoints, export_onnx
from tests.test_pose.test_stock_mmpose import CONFIG


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMHAND_DATA", str(tmp_path))
    init_default_scope("mmpose")
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(CONFIG).model)
    model.head.mean_bone_length_mm.fill_(80.0)
    torch.save({"state_dict": model.state_dict()}, tmp_path / "a.pth")
    return model.eval()


def test_exported_graph_normalises_like_the_data_preprocessor(model):
    image = torch.randint(0, 255, (3, 64, 64), dtype=torch.uint8)
    data = {"inputs": [image], "data_samples": [_Sample()]}
    inputs = model.data_preprocessor(data)["inputs"]
    exported = CropToKeypoints(model).eval()
    rgb = image.flip(0)[None].float()
    torch.testing.assert_close((rgb - exported.mean) / exported.std, inputs)
    with torch.no_grad():
        points, scores, hand = exported(rgb)
        heat, _, location = model.head(model.backbone(inputs))
    expected, _, locations = model.head.decoder.batch_decode(heat, location)
    torch.testing.assert_close(points, expected)
    torch.testing.assert_close(hand, (locations - locations[:, :1]) * 80)
    assert scores.shape == (1, 21)


class _Sample:
    def set_metainfo(self, metainfo):
        """The preprocessor sets shapes, which are not used here."""


def test_missing_package_is_reported(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'pip install "simhand-mm\[onnx\]"'):
        export_onnx(str(CONFIG), str(tmp_path / "a.pth"), tmp_path / "a.onnx")


@pytest.mark.slow
def test_onnxruntime_equals_torch(model, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    report = export_onnx(str(CONFIG), str(tmp_path / "a.pth"), tmp_path / "a.onnx")
    assert report["max_difference"] < 1e-2
    assert np.isfinite([report["torch_ms"], report["onnxruntime_ms"]]).all()
    assert (tmp_path / "a.onnx").is_file()
