import numpy as np
import pytest
import torch
from mmengine.config import Config

from simhand_mm.pose.publishing import save_model


def config(**model):
    pipeline = [{"type": "LoadImage"}, {"type": "HandCrop", "input_size": (64, 64)}]
    return Config(
        {"model": model, "test_dataloader": {"dataset": {"type": "Any", "pipeline": pipeline}}}
    )


def test_file_has_half_precision_and_all_that_inference_needs(tmp_path):
    state = {"weight": torch.tensor([1 / 3, 2.0]), "steps": torch.tensor(7)}
    save_model(tmp_path / "m.pth", state, config(type="Net", depth=18), {"seed": 0})
    file = torch.load(tmp_path / "m.pth", weights_only=True)
    assert file["meta"] == {"seed": 0}
    assert file["state_dict"]["weight"].dtype == torch.float16
    assert file["state_dict"]["steps"].dtype == torch.int64
    torch.testing.assert_close(
        file["state_dict"]["weight"].float(), state["weight"], atol=1e-3, rtol=0
    )
    again = Config(file["config"])
    assert again.model == {"type": "Net", "depth": 18}
    assert again.test_dataloader.dataset.pipeline[1].input_size == [64, 64]


def test_values_that_are_not_plain_are_refused(tmp_path):
    with pytest.raises(ValueError, match="plain values"):
        save_model(tmp_path / "m.pth", {}, config(size=np.float32(1)), {})
    assert not (tmp_path / "m.pth").exists()
