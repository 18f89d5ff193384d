"""Tell figures that are aimed at from facts, budgets, bases of comparison, thresholds and mere descriptions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpus.figures import Figure
from corpus.stance import PURSUIT, Setting
from corpus.telling import is_told

# How many characters before a figure are read.
_REACH = 600
_EARNED = re.compile(
    r"(?:doanh thu|doanh so|thu nhap|kim ngach|gr?dp|gia tri|tong muc ban le|thu ngan sach|nang suat|tiet kiem|xuat khau|lam loi|"
    r"san xuat|tieu thu|loi nhuan|thu hut|dong gop)"
)
_BUDGET = re.compile(
    r"(?:kinh phi|du toan|(?<!nguon )von|nguon von:|ngan sach|muc dau tu|chi phi|phat|gia (?:ban|lua|mu|thu mua)|giam gia|don gia|chi (?:thuong xuyen|dau tu|tra|can doi|cac|su nghiep)|ho tro|tri gia|goi thau|ky quy|"
    r"muc thu|(?<![a-z])phi|thue)(?![a-z])[^.;]{0,60}$"
)
_SHARE = re.compile(
    r"(?:lai suat|vay(?! von)|muc dau tu|von dau tu|(?<![a-z])mien|giam (?:gia|phi)|co phan|co phieu|von (?:gop|dieu le|nha nuoc|so huu)|thue(?! ngoai)|muc phat|do am|nong do|ham luong|sai so|han muc|gia (?:dien|xang|dau|gas|nuoc|ve|ban|mua|gao|lua))"
    r"(?![a-z])[^.;,]{0,40}$|ho tro (?:muc )?$|(?:ngan sach|doi ung|xa hoi hoa|von vay)(?: (?:tinh|huyen|xa|trung uong|dia phuong|nha nuoc))?\s*$|"
    r"(?:kinh phi|tien|nguon luc|von|ngan sach):?(?: [^.;]{0,80})?(?<![a-z])(?:tinh|huyen|xa|trung uong|dan)\s*$"
)
_SHARE_OF_COST = re.compile(
    r"\s*(?:cho (?:nguoi|khach|hoi vien)|hoa don)[^.;]{0,20}(?:khong|mang|mua|dung|khi)|\s*(?:cua )?(?:tong (?:muc dau tu|chi phi|kinh phi|von|chi)|kinh phi|phi|le phi|tien (?!dien|nuoc)|"
    r"phi tu van|gia den|chi (?:thuong xuyen|ngan sach)|ngan sach)"
)
_SIZES = frozenset({"m2", "m3", "m", "km", "kg", "lít"})
_THRESHOLDS = _SIZES | {"đồng", "kWp", "kW", "điểm"}
_ACHIEVED = re.compile(
    r"(?:dat|len|con|la|xuong|xu ly|thu gom|thu hoi|gom|tai che|don|nao vet|tan thu|tan dung|san xuat|keo|giam|tang|tiet kiem|xay dung|nang cap|bao ve|cai tao|mo rong|bang|luong|dien tich"
    r"|doanh thu|thu nhap)\s+(?:duoc\s+|them\s+)*$"
)
_BUILT = re.compile(r"(?:xay|xay dung|dung|lap|lap dat|dau tu|nang cap|mo rong|them)(?![a-z])[^.;,]{0,50}$")
_REACHED = re.compile(r"(?:xuong|con|chi con|len|dat|toi|den)\s")
_TIMES = re.compile(r"(?<![a-z])(?:(?:tang|giam|len|gap|con|bang)\s+.{0,4}|gap.{0,3})$")
_DUTY = re.compile(r"(?:it nhat|toi thieu|khong duoi|khong thap|khong it)")
_THRESHOLD = re.compile(r"\s*(?:(?:[a-z]+ ){0,4}tro len )?(?:phai|bat buoc|lap|gan|nop|can|duoc)(?![a-z])")
# "nhà máy tiêu thụ từ 1.000 TOE ... được xếp vào": the figure says who is meant.
_WHO = re.compile(
    r"(?:^\W*(?:[a-z\d][.)]\s*)?|[,;:]\s*|(?<![a-z])(?:cac|moi|nhung|voi|tai|trong|va|khich|%|doi)\s+)"
    r"(?:doanh nghiep|co so|nha may|nha ban le|don vi|to chuc|trang trai|(?:cac )?trai|khach san|nha hang|sieu thi|cua hang|ho|tau|xe|"
    r"du an|cong trinh|goi thau|du khach|khu|toa nha|lang nghe|nha thau|cho|phuong tien)"
    r"(?:[ ,]+[a-z']+){0,8} (?:co|quy mo|tieu thu|su dung|phuc vu|cong suat|dien tich|luu tru|xa thai|phat sinh|ca|dai|thai|chua)"
    r"(?: [a-z]+){0,4}\s*$"
)
_CONCERNED = re.compile(r"(?<![a-z])doi voi [^;.]{0,100} co (?:ty le|ti le|so|quy mo) [^;.,]{0,80}$")
_CHARGED = re.compile(r"(?<![a-z])(?<!chuyen )(?<!ban )(?:giao|yeu cau|de nghi|chi dao)\s+(?:cac )?$")
_THEN = re.compile(
    r"[^.;]{0,90}(?<![a-z])(?:phai|bat buoc|thuoc|duoc|lap|nop|can|gan|bo tri|khong|thi|mang|xay dung|thuc hien|co)(?![a-z])"
)
_IF = re.compile(r"(?<![a-z])(?:neu|khi|truong hop|dieu kien)(?![a-z])[^,;.:]{0,80}$")
_QUALIFIED = re.compile(
    r"(?<!huu )co (?:tong )?(?:cong suat|quy mo|dien tich|dung tich)\s+(?:dat |lap dat )?$|(?:co so|doanh nghiep|tau|khu vuc|du an) co\s+$|"
    r"cong suat (?:thiet ke|hien (?:tai|co)|theo giay phep)[^.;,]{0,20}$|"
    r"van hanh (?:on dinh|tot|hieu qua|an toan)[^.;]{0,80}$"
)
_DIMENSION = re.compile(
    r"(?<![a-z])(?:cao|rong|dai|sau|day|ban kinh|duong kinh|cach|dung tich|suc chua|tai trong)\s+(?:la )?$"
)
_ENOUGH = re.compile(
    r"(?:du (?:dung )?cho|du dung|tuong duong(?: voi)?|tuong ung|thay (?:cho|vi)(?: muc)?|(?<![a-z])so voi(?: muc)?|con so)\s+$"
)
_FROM = re.compile(r"(?<![a-z])tu $")
_TO = re.compile(r"(?:[^.;,]|[.,]\d){0,45}(?<![a-z])(?:len|xuong|con)\s")
_POINTS = re.compile(r"(?<![a-z])(?:tich|cong|tru|cham)(?: [a-z]+)?\s+$")
# "Nếu giá dầu tăng 10%, chi phí tăng 6%": what would follow is no aim.
_SUPPOSED = re.compile(
    r"^\W*(?:neu|gia su|truong hop|trong truong hop|muon duoc|de duoc)(?![a-z])|(?<![a-z])co the (?:[a-z]+ ){0,3}$"
)
# 'Đề án "Xây dựng 1.000 căn hộ"': the title of another text.
_TITLED = re.compile(
    r"(?:de an|chuong trinh|ke hoach|du an|phong trao|chien dich|cuoc van dong|chi thi|nghi quyet)[^.;“”\"]{0,60}[“\"][^“”\"]*$"
)
_DOSSIER = re.compile(r"ho so|lap thanh|ban (?:sao|chinh|goc)")
# "một trong 5 tỉnh đi đầu", "cứ 3 ha một bể": a rank, a measure for each.
_RANKED = re.compile(r"(?<!\w)(?:một trong|trong số|trong|top|nhóm|cứ|mỗi)\s+$", re.IGNORECASE)
# "02 đợt/tháng", "lấy mẫu tại 15 vị trí": how something is watched, no aim.
_FREQUENCY = re.compile(r"tan suat(?![a-z])[^.;]{0,80}$")
_SAMPLING = re.compile(r"(?:lay mau|thu mau|quan trac)(?![a-z])[^.;]{0,80}$")
_SAMPLED = frozenset({"vị trí", "mẫu", "điểm", "ao", "vùng", "bãi", "khu", "đợt", "lần"})
_NUMBER_OF = re.compile(r"(?:so luong|so|tong so) (?:mau|diem|vi tri)(?: [a-z]+){0,3}:?\s+$")
# "giảm 20% rác tại 45 điểm bán": where an action with a figure of its own takes place.
_AT = re.compile(r"[^.,;:]*(?<![a-z])(?:tai|o)\s+(?:ca |khap |hon |khoang )?$")
# "được chứng nhận khi có ít nhất 10% ...": conditions of an award.
_AWARDED = re.compile(
    r"(?<![a-z])duoc (?:[a-z]+ ){0,4}?(?:chung nhan|cong nhan|xem xet|cap|xep|gan|dat|huong|tang)(?![a-z])[^.;]{0,80}(?<![a-z])(?:khi|neu)(?![a-z])"
)
_PENALTY = re.compile(r"(?<![a-z])(?:xu phat|phat|muc phat)(?![a-z])")
_EXISTS = re.compile(r"(?:^\W*(?:\d+(?:\.\d+)*\.?\s+)?|[,:]\s*|phan dau\s+|(?<!\w)20\d\d\s+)co (?:them )?$")
_MAY = re.compile(r"\s*co the(?![a-z])")
_SCORED = re.compile(r"thang (?:\d+ )?diem|cham diem|thang \d+")


def commits(setting: Setting, figures: Sequence[Figure], place: int) -> bool:
    """Tell whether a figure is aimed at, rather than spent, reached already, a base or a mere description."""
    figure, text = figures[place], setting.folded
    start, end = figure.span
    reach = max(0, start - _REACH)
    sentence = max(reach, text.rfind(". ", reach, start) + 1, text.rfind("\n", reach, start) + 1)
    before, after = text[max(sentence, text.rfind(";", sentence, start) + 1) : start], text[end : end + 100]
    return not (
        _SUPPOSED.match(text[sentence:start])
        or _SUPPOSED.match(before)
        or (figure.comparator == "=" and bool(_RANKED.search(setting.text, max(0, start - 12), start)))
        or _TITLED.search(before)
        or (figure.noun in ("bộ", "bản") and bool(_DOSSIER.search(before[-80:] + text[start:end] + after[:10])))
        or _AWARDED.search(text[sentence:start])
        or _is_sampling(setting, figure, before)
        or _is_place(setting, figures, place)
        or _is_score(setting, figure, before)
        or _is_spent(figure, before, after)
        or (figure.unit == "lần" and _PENALTY.search(text[sentence:start]))
        or _is_size(setting, figure, text[start:end], before, after)
        or _is_threshold(figure, text[start:end], before, after)
        or _is_base(text, figures, place, before)
        or is_told(setting, figures, place, (sentence, before, after))
    )


def _is_score(setting: Setting, figure: Figure, before: str) -> bool:
    return figure.unit == "điểm" and bool(_SCORED.search(setting.folded) or _POINTS.search(before))


def _is_sampling(setting: Setting, figure: Figure, before: str) -> bool:
    """Tell how often, and at how many places, something is sampled."""
    if figure.unit in ("đợt", "lần", "kỳ") and figure.comparator == "=" and _FREQUENCY.search(before):
        return True
    if figure.noun not in _SAMPLED or _NUMBER_OF.search(before) or _BUILT.search(before):
        return False
    return setting.sampled or bool(_SAMPLING.search(before))


def _is_place(setting: Setting, figures: Sequence[Figure], place: int) -> bool:
    """Tell the places where an action takes place that has a figure of its own."""
    if not place or not figures[place].noun or figures[place - 1].unit in ("đồng", "USD"):
        return False
    between = setting.folded[figures[place - 1].span[1] : figures[place].span[0]]
    return figures[place].comparator == "=" and bool(_AT.fullmatch(between)) and " va " not in between


def is_pursued(setting: Setting, figure: Figure) -> bool:
    """Tell whether headings or the words up to a figure say that it is aimed at."""
    text = setting.folded
    return setting.stance == "aim" or bool(PURSUIT.search(text, max(0, figure.span[0] - _REACH), figure.span[1]))


def _is_spent(figure: Figure, before: str, after: str) -> bool:
    """Tell budgets, prices, shares of costs and scores."""
    if figure.unit.partition("/")[0] in ("đồng", "USD"):
        return figure.comparator == "<=" or bool(_BUDGET.search(before)) or not _EARNED.search(before)
    if figure.unit == "%":
        return bool(_SHARE.search(before) or _SHARE_OF_COST.match(after))
    return False


def _is_size(setting: Setting, figure: Figure, written: str, before: str, after: str) -> bool:
    """Tell sizes of what stands already, and multiples of nothing."""
    unit, exact = figure.unit.partition("/")[0], figure.comparator == "="
    if before.endswith("(") and (exact or after.startswith(")")) and (unit != "%" or after.startswith(")")):
        return True
    if unit == "lần":
        return exact and not _TIMES.search(before[-6:] + written[:4])
    if unit == "%" or _ENOUGH.search(before):
        return bool(_ENOUGH.search(before))
    reached = _ACHIEVED.search(before) or _REACHED.match(written) or ("/" in figure.unit and _BUILT.search(before))
    if _QUALIFIED.search(before) or (unit in _SIZES and _DIMENSION.search(before)):
        return True
    if setting.stance == "aim" and exact:
        return False
    sized = exact and (unit in _SIZES or figure.unit.endswith("/giờ"))
    limits = unit in _THRESHOLDS and unit == figure.unit and not (exact or _DUTY.match(written))
    return (sized or limits) and not reached


def _is_threshold(figure: Figure, written: str, before: str, after: str) -> bool:
    """Tell figures that say who or what is meant, or under which condition."""
    if _IF.search(before):
        return figure.comparator in (">=", "<=") and not _DUTY.match(written)
    if figure.comparator in (">=", "<=") and not _DUTY.match(written) and _CONCERNED.search(before):
        return True
    if (figure.noun and _CHARGED.search(before)) or (figure.comparator in (">=", "<=") and _MAY.match(after)):
        return True
    if figure.unit == "%" or figure.comparator not in (">=", "<=") or _DUTY.match(written):
        return False
    return bool(_THRESHOLD.match(after) and not (_ACHIEVED.search(before) or _EXISTS.search(before))) or bool(
        _WHO.search(before[-160:]) and _THEN.match(after)
    )


def _is_base(text: str, figures: Sequence[Figure], place: int, before: str) -> bool:
    """Tell the first figure of "tăng từ 40% lên 60%", where one starts."""
    start, end = figures[place].span
    following = text[end : figures[place + 1].span[1]] if place + 1 < len(figures) else ""
    starts = figures[place].comparator == "=" and _FROM.search(before[-10:] + text[start : start + 3])
    return bool(starts and _TO.match(following))
