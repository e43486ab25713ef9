"""An adapter as the warehouse knows it: a folder that was written and sealed anew is another model."""

from pathlib import Path

from feedback_pipeline.schemas import MODEL_VERSIONS, PROMOTIONS
from feedback_pipeline.training.manifest import ArtifactDamagedError
from feedback_pipeline.training.model_version import ModelVersion, load_version
from feedback_pipeline.warehouse import Warehouse


def registered_version(warehouse: Warehouse, folder: Path) -> ModelVersion:
    """What was recorded of the adapter in `folder`, whose weights are those that the warehouse has under its id.

    The seal in a folder tells that its files belong together; that they are the ones which were trained or judged,
    only the warehouse can. Of a version in neither `model_versions` nor `promotions`, and in rows from before their
    hash was recorded, it knows nothing to compare. Raises `ArtifactDamagedError`.
    """
    version = load_version(folder)
    known: dict[str, object] = {"version": version.model_version}
    trained = MODEL_VERSIONS.conform(
        warehouse.read("SELECT * FROM model_versions WHERE model_version = $version", known)
    )
    judged = PROMOTIONS.conform(warehouse.read("SELECT * FROM promotions WHERE candidate = $version", known))
    hashes = {*trained["adapter_hash"], *judged["adapter_hash"]} - {None}
    if hashes and version.adapter_hash not in hashes:
        raise ArtifactDamagedError(
            f"{folder} holds other weights than those registered as {version.model_version}: "
            "remove the folder to train it again"
        )
    return version
