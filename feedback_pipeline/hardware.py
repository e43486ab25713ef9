"""What the processor, or the GPU, that computes here can do."""


def has_bfloat16() -> bool:
    """Whether it multiplies bfloat16 matrices in hardware."""
    # The import takes seconds, which whoever never computes need not pay.
    import torch

    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
