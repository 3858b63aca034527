"""The models in the package have cards, and docs/model_zoo.md and the metafile agree with them."""

import pytest
import torch

from projects.model_zoo.page import METAFILE, PAGE, card_of, metafile, section, shipped_weights

TOO_MUCH = 20_000_000  # bytes: the wheel is downloaded by everybody


@pytest.mark.parametrize("weights", shipped_weights(), ids=lambda path: path.name)
def test_page_and_metafile_are_those_of_the_card(weights):
    assert section(weights) in PAGE.read_text(), "run: python -m projects.model_zoo.page"
    assert (PAGE.parent / card_of(weights)["page"]).is_file()
    assert weights.stat().st_size < TOO_MUCH


def test_metafile_is_up_to_date():
    assert METAFILE.read_text() == metafile(), "run: python -m projects.model_zoo.page"


def test_card_of_the_lifter_has_the_numbers_in_its_file():
    (weights,) = (path for path in shipped_weights() if path.name == "lifter.pth")
    measured = torch.load(weights, weights_only=True)["meta"]["held_out_videos"]["lifted"]
    (result,) = card_of(weights)["results"]
    assert result["root_scale MPJPE mm"] == round(measured["root_scale"], 1)
    assert result["procrustes MPJPE mm"] == round(measured["procrustes"], 1)
