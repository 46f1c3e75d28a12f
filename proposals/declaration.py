"""What each member declares when it consents; the version that was accepted stands in the consent."""

from __future__ import annotations

from typing import Final

VERSION: Final = "1"
TEXT: Final = (
    "Our organization takes part in this consortium of its own will and in the role described. The facts "
    "given about us, our owners and our part are accurate and complete to the best of our knowledge, and we "
    "will report a material change within 30 calendar days of learning of it. We understand that false "
    "statements may be punished under 18 U.S.C. 1001."
)
