"""Find the bodies that an assignment makes responsible: departments, committees, unions, companies."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nlp.fold import fold

_KINDS = (
    "Sở|Bộ|Ban|Hội|các hội|Liên minh|Liên đoàn|[Hh]iệp hội|Các hiệp hội|Đoàn|Tỉnh đoàn|Thành đoàn|Cục|Chi cục|Tổng cục|UBND|[ỦU][yỷ] ban|Mặt trận|"
    "Công an|Bộ Chỉ huy|Báo|Đài|Trường|Các trường|Viện|Trung tâm|Văn phòng|Công ty|Tổng công ty|Điện lực|Kho bạc|Ngân hàng|Thanh tra|Quỹ|"
    "Vườn|Các sở|Các đơn vị|Các cơ quan|Doanh nghiệp|Các doanh nghiệp|Thủ trưởng|Chủ tịch UBND"
)
# Names of departments and ministries, and of bodies whose names go on in small letters.
_FIELDS = (
    "Công Thương|Tài nguyên và Môi trường|Nông nghiệp và Phát triển nông thôn|Nông nghiệp và PTNT|Nông nghiệp và Môi trường|"
    "Kế hoạch và Đầu tư|Tài chính|Khoa học và Công nghệ|Thông tin và Truyền thông|Giáo dục và Đào tạo|Văn hóa, Thể thao và Du lịch|"
    "Văn hoá, Thể thao và Du lịch|Văn hóa và Thể thao|Văn hoá và Thể thao|Du lịch|Xây dựng|Giao thông vận tải|Giao thông công chánh|Giao thông - Xây dựng|"
    "Quy hoạch - Kiến trúc|Lao động - Thương binh và Xã hội|Lao động, Thương binh và Xã hội|Nội vụ|Tư pháp|Y tế|Ngoại vụ|An toàn thực phẩm|Dân tộc và Tôn giáo|"
    "Dân tộc|Ngoại giao|Công an|Quốc phòng"
)
_KNOWN = re.compile(
    rf"(?:Sở|Bộ)\s+(?:{_FIELDS})(?![\wÀ-ỹ])|(?:Liên minh Hợp tác xã|Liên đoàn Lao động|Hội Liên hiệp Phụ nữ|Hội Nông dân|Hội Cựu chiến binh|"
    r"Đoàn Thanh niên(?: Cộng sản Hồ Chí Minh)?|Đài Phát thanh và Truyền hình|Đài Phát thanh - Truyền hình|Đài Phát thanh, Truyền hình|Kho bạc Nhà nước|"
    r"Ngân hàng Nhà nước(?: chi nhánh| Chi nhánh)?|Công ty Điện lực|Cục Hải quan|Cục Thuế|Cục Thống kê|Cục Quản lý thị trường|Chi cục Quản lý thị trường|Văn phòng Điều phối nông thôn mới|"
    r"[ỦU][yỷ] ban nhân dân|[ỦU][yỷ] ban Mặt trận Tổ quốc Việt Nam|Mặt trận Tổ quốc|Hội Bảo vệ người tiêu dùng|Hiệp hội [Dd]oanh nghiệp|Bộ Chỉ huy quân sự|Cảng vụ Hàng hải)"
    r"(?![\wÀ-ỹ])"
)
_STARTS = re.compile(rf"(?:{_KINDS})(?![\wÀ-ỹ])")
_PARTS = re.compile(rf",\s+|\s+và\s+(?=(?:{_KINDS})(?![\wÀ-ỹ]))")
# Small letters that belong to names: "UBND các huyện, thị xã", "Ban quản lý khu công nghiệp".
_INSIDE = frozenset(
    "và của các cấp tỉnh thành phố huyện thị xã phường quản lý ban ngành đoàn thể khu cụm công nghiệp kinh tế nhân dân địa liên quan sở "
    "trường đại học cao đẳng hiệp hội cơ đơn vị trung tâm doanh hàng chợ siêu thị chức".split()
)
_HANGING = re.compile(r"(?:[\s,]|(?<!\w)(?:và|của|các|cấp))+$")
_NUMBERING = re.compile(
    r"(?:[\d.]{1,8}\s*[.)]?\s+|[a-zđ][.)]\s*|[IVX]{1,5}[.)]\s*|[-+•]\s*)?(?:(?:Giao|Đề nghị|Yêu cầu)(?: cho)?\s+)?"
)
_LEAD_CELL = re.compile(
    r"(?:^|;\s)(?:cơ quan|đơn vị|sở, ngành|cấp)?\s*(?:chủ trì|thực hiện|đầu mối)(?: thực hiện)?\s*:\s*([^;]+)",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^\s,:;.]+|[\s,]+|.", re.DOTALL)
_MOST = 12


def acting_agencies(text: str, heading_path: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the bodies that ``text`` makes responsible, as written, in order.

    A row of a table names them under "Cơ quan chủ trì", a sentence begins with them; otherwise the nearest heading that
    begins with one counts.
    """
    if cell := _LEAD_CELL.search(text):
        return _names(cell.group(1))
    for passage in (text, *reversed(heading_path)):
        numbering = _NUMBERING.match(passage)
        subject = passage[numbering.end() if numbering else 0 :]
        if _STARTS.match(subject):
            return _names(_subject(subject))
    return ()


def _subject(sentence: str) -> str:
    """Return the names that a sentence begins with: up to a colon or the first word that no name holds."""
    place = end = 0
    while place < min(len(sentence), 600):
        if known := _KNOWN.match(sentence, place):
            place = end = known.end()
            continue
        text = _TOKEN.match(sentence, place).group()  # type: ignore[union-attr]
        belongs = text[:1].isupper() or text in _INSIDE or text == "-" or not text.strip(" ,")
        if not belongs or sentence.startswith("ban hành", place):
            break
        place += len(text)
        end = place
    return sentence[:end]


def _names(subject: str) -> tuple[str, ...]:
    """Return the names in a list of them; what begins with no kind of body goes with the one before."""
    names: list[str] = []
    # "Văn hóa, Thể thao và Du lịch" is one name.
    kept = _KNOWN.sub(lambda match: match.group().replace(", ", "\x00"), subject)
    for part in (part.replace("\x00", ", ") for part in _PARTS.split(kept)):
        if _STARTS.match(part) or not names:
            names.append(part)
        else:
            names[-1] += f", {part}"
    found = {fold(name): name for name in (_HANGING.sub("", name).strip(" .:;") for name in reversed(names)) if name}
    return tuple(reversed(found.values()))[:_MOST]
