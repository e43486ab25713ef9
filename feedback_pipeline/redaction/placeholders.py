"""What stands in a value's place: the same for the same value, all through a conversation."""

from feedback_pipeline.redaction.detector import Detector
from feedback_pipeline.redaction.written_forms import in_ascii


class Placeholders:
    """The placeholders of one conversation: `<EMAIL_1>` for its first e-mail address, `<EMAIL_2>` for another."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}

    def of(self, kind: str, value: str) -> str:
        """The placeholder of a value in its canonical form."""
        if (kind, value) not in self._of:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._of[kind, value] = f"<{kind}_{self._counts[kind]}>"
        return self._of[kind, value]

    def replace(self, text: str, detector: Detector) -> str:
        """`text` with a placeholder for everything the detector finds in its ASCII form."""
        pieces = []
        end = 0
        looked_at = in_ascii(text)
        for start, stop in detector.find(looked_at):
            pieces += [text[end:start], self.of(detector.kind, detector.canonical(looked_at[start:stop]))]
            end = stop
        return "".join([*pieces, text[end:]])
