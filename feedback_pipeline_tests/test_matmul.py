import pytest
import torch

from feedback_pipeline.matmul import onednn_linear


def _calls(profile):
    return {event.key for event in profile.key_averages()}


@pytest.mark.parametrize("shape", [(1, 64), (3, 5, 64), (0, 64)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_linear_layer_gives_what_float64_gives_but_for_rounding(shape, bias):
    torch.manual_seed(0)
    layer, given = torch.nn.Linear(64, 48, bias=bias), torch.randn(shape)

    with onednn_linear():
        found = layer(given)

    exact = layer.double()(given.double())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), exact, atol=2e-6, rtol=0)


def test_onednn_computes_it_inside_and_there_alone():
    layer, given = torch.nn.Linear(64, 48), torch.randn(3, 64)

    with torch.profiler.profile() as inside, onednn_linear():
        layer(given)
    with torch.profiler.profile() as outside:
        layer(given)

    assert "mkldnn::_linear_pointwise" in _calls(inside)
    assert "mkldnn::_linear_pointwise" not in _calls(outside)


def test_layers_of_other_types_are_left_as_they_are():
    layer, given = torch.nn.Linear(64, 48).bfloat16(), torch.randn(3, 64).bfloat16()

    with onednn_linear():
        assert torch.equal(layer(given), layer(given))
        assert layer(given).dtype == torch.bfloat16
