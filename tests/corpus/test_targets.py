"""Tables of (text, expected) for the finder of targets; all wording is our own."""

from __future__ import annotations

import time

import pytest

from corpus.targets import MAX_FIGURES, find_targets

FIGURES = [
    # comparators
    ("85% siêu thị dùng túi giấy", [("=", (85,), "%")]),
    ("Trên 80% hộ dân phân loại rác", [(">=", (80,), "%")]),
    ("Ít nhất 02 cuộc tuyên truyền mỗi năm", [(">=", (2,), "cuộc")]),
    ("tối thiểu 15 mô hình ủ phân", [(">=", (15,), "mô hình")]),
    ("không dưới 300 lượt người dự", [(">=", (300,), "lượt người")]),
    ("không thấp hơn 45% số xã", [(">=", (45,), "%")]),
    ("hơn 40 doanh nghiệp ký cam kết", [(">=", (40,), "doanh nghiệp")]),
    ("≥ 60% cửa hàng có mã truy xuất", [(">=", (60,), "%")]),
    ("từ 12 điểm bán trở lên treo biển xanh", [(">=", (12,), "điểm bán")]),
    ("chiếm từ 50% trở lên", [(">=", (50,), "%")]),
    ("Tỷ lệ tái chế tối thiểu đạt 35%", [(">=", (35,), "%")]),
    ("Tỷ lệ chôn lấp dưới 20%", [("<=", (20,), "%")]),
    ("Tổn thất điện không quá 4,5%", [("<=", (4.5,), "%")]),
    ("tối đa 10 hộ một tổ", [("<=", (10,), "hộ")]),
    ("Lượng túi mỏng giảm xuống còn 12%", [("=", (12,), "%")]),
    ("Rác chôn lấp giảm còn 150 tấn", [("=", (150,), "tấn")]),
    ("Kéo suất tiêu hao xuống dưới 90 kWh", [("<=", (90,), "kWh")]),
    ("khoảng 25 chợ đổi sang làn nhựa", [("=", (25,), "chợ")]),
    ("Độ che phủ đạt 42%", [("=", (42,), "%")]),
    ("Xử lý dứt điểm 14 cơ sở gây ô nhiễm", [("=", (14,), "cơ sở")]),
    # ranges
    ("Giảm 5 - 8% lượng than", [("range", (5, 8), "%")]),
    ("Tiết kiệm từ 5-8% điện", [("range", (5, 8), "%")]),
    ("Tiết kiệm 5% đến 8% điện", [("range", (5, 8), "%")]),
    ("Dựng 01-02 mô hình chợ xanh", [("range", (1, 2), "mô hình")]),
    ("Công nhận 20 đến 30 cơ sở", [("range", (20, 30), "cơ sở")]),
    ("Công suất gió từ 30.650 – 45.550 MW", [("range", (30650, 45550), "MW")]),
    ("Sản lượng đạt 1,5 đến 2 triệu tấn", [("range", (1.5e6, 2e6), "tấn")]),
    # numbers and scales
    ("Công suất đạt 1.459,8 MW", [("=", (1459.8,), "MW")]),
    ("Sản lượng điện đạt 115 triệu kWh", [("=", (115e6,), "kWh")]),
    ("Sản lượng điện đạt 115 triệu KWh", [("=", (115e6,), "kWh")]),
    ("Doanh thu đạt 2 tỷ đồng", [("=", (2e9,), "đồng")]),
    ("Kim ngạch đạt 1,25 tỉ USD", [("=", (1.25e9,), "USD")]),
    ("Thu nhập bình quân đạt 4,1 triệu đồng", [("=", (4.1e6,), "đồng")]),
    ("Tổng công suất đạt 35MW", [("=", (35,), "MW")]),
    ("Trồng 8.500 ha rừng gỗ lớn", [("=", (8500,), "ha")]),
    ("Tốc độ tăng đạt 7.5%", [("=", (7.5,), "%")]),
    ("Tỷ lệ đạt 60 %", [("=", (60,), "%")]),
    ("Tỷ lệ đạt 60 phần trăm", [("=", (60,), "%")]),
    ("Doanh số gấp 2 lần hiện nay", [("=", (2,), "lần")]),
    ("Sản lượng gấp đôi", [("=", (2,), "lần")]),
    ("Năng suất tăng 1,5 lần", [("=", (1.5,), "lần")]),
    # spelled numbers
    ("mở mười lớp cho tiểu thương", [("=", (10,), "lớp")]),
    ("xây dựng hai mô hình tuần hoàn", [("=", (2,), "mô hình")]),
    ("Ít nhất một chợ không túi mỏng", [(">=", (1,), "chợ")]),
    ("Tổ chức 02 (hai) lớp tập huấn", [("=", (2,), "lớp")]),
    ("Cấp mười hai chứng nhận", [("=", (12,), "chứng nhận")]),
    # units: rates, composed nouns, nouns beside the verb or the word "số"
    ("Nâng công suất trạm lên 450 m3/ngày đêm", [("=", (450,), "m3/ngày đêm")]),
    ("Mỗi tủ gom tối thiểu 90 chai/ngày", [(">=", (90,), "chai/ngày")]),
    ("Thay 700 bộ đèn ở khu tái định cư", [("=", (700,), "bộ đèn")]),
    ("Đưa số chợ có cân đối chứng lên 35, niêm yết giá", [("=", (35,), "chợ")]),
    ("Trang bị 14 pallet gỗ tái chế cho kho", [("=", (14,), "pallet")]),
    ("Suất tiêu hao thấp hơn 12% so với lò cũ", [("=", (12,), "%")]),
    ("Bố trí ở Hòn Rơm 4 điểm bán", [("=", (4,), "điểm bán")]),
    ("Nước dùng đạt 90 m3/người/năm", [("=", (90,), "m3/người/năm")]),
    # what one number counts together, and what only follows it
    ("Phấn đấu 4 xã, phường thu phí theo túi", [("=", (4,), "xã, phường")]),
    ("Lắp mái pin ở 60 trường học, trạm y tế và nhà văn hóa", [("=", (60,), "trường học, trạm y tế và nhà văn hóa")]),
    ("Mở 6 lớp, tổ chức hội thi", [("=", (6,), "lớp")]),
    ("Hỗ trợ 9 xã, thành phố Vị Thanh làm trước", [("=", (9,), "xã")]),
    # one of each, numbers glued to words, those that say what shall exist
    ("Phấn đấu mỗi xóm duy trì một nhóm nhặt rác", [("=", (1,), "nhóm")]),
    ("Phấn đấu tối thiểu20% quầy bỏ túi mỏng", [(">=", (20,), "%")]),
    ("Phấn đấu không phát sinh quá 5% rau hỏng", [("<=", (5,), "%")]),
    ("Phấn đấu có từ 40 hộ nuôi ong trở lên được cấp mã", [(">=", (40,), "hộ")]),
    # shares in words, only where aimed at
    ("Phấn đấu hai phần ba hộ ủ rác", [("=", (66.7,), "%")]),
    ("Ít nhất một nửa số sạp dùng lá gói", [(">=", (50,), "%")]),
    ("Bảo đảm 8 trong 10 người mua nhận ra nhãn", [("=", (80,), "%")]),
    ("Một nửa số hộ ở ven sông", []),
    # cells of tables
    ("Chợ có bể ủ | chợ | 6 | 2027", [("=", (6,), "chợ")]),
    ("Hộ ủ rác; Đơn vị tính: %; Mức phấn đấu: 64; Thời hạn: 2028", [("=", (64,), "%")]),
    ("Tập huấn | Số lớp: 06 | Số học viên dự kiến: 240", [("=", (6,), "lớp"), ("=", (240,), "học viên")]),
    # several at once
    ("Cam kết bớt 20% đồ ăn thừa tại 45 điểm bán", [("=", (20,), "%")]),
    ("Thay lò cũ tại 45 cơ sở", [("=", (45,), "cơ sở")]),
    ("90% trường và 70% bệnh viện dùng đèn LED", [("=", (90,), "%"), ("=", (70,), "%")]),
    ("gồm 6 siêu thị, 2 chợ", [("=", (6,), "siêu thị"), ("=", (2,), "chợ")]),
    ("Hoàn thành 60 trạm, trong đó 20 trạm có mái pin", [("=", (60,), "trạm"), ("=", (20,), "trạm")]),
    ("Đạt 500 MW gió; 120 MW sinh khối", [("=", (500,), "MW"), ("=", (120,), "MW")]),
    # OCR and typing
    ("đến năm 2025đạt 70% hộ", [("=", (70,), "%")]),
    ("it nhat 03 mo hinh xanh", [(">=", (3,), "mô hình")]),
    ("Xây 4 mô hinh thu gom dầu thải", [("=", (4,), "mô hình")]),
    ("tôi thiểu 6 hộp tác xã tham gia", [(">=", (6,), "hợp tác xã")]),
    ("Tỷ lệ tiêu thụ\nđạt 30% vào năm 2027", [("=", (30,), "%")]),
    ("Từ 40% lên 60% vào năm 2030", [("=", (60,), "%")]),
    ("Tỷ trọng điện khí tăng từ 9% lên 15 - 18%", [("range", (15, 18), "%")]),
    # nouns that no list has: two syllables, unless foreign or quoted
    ("Hỗ trợ đăng ký 7 kiểu dáng mới cho lò gốm", [("=", (7,), "kiểu dáng")]),
    ("Lắp 18 camera ở điểm đổ trộm", [("=", (18,), "camera")]),
    ('Dựng 15 "ngôi nhà ve chai" tại trường', [("=", (15,), "ngôi nhà ve chai")]),
    ("Kết nối 4.000 lượt đoàn viên, 4.0 không phải số đếm", [("=", (4000,), "lượt đoàn viên")]),
    ("Tập huấn cho 70 thanh tra viên cấp xã", [("=", (70,), "thanh tra viên")]),
    ("Xây 2 kho ven sông cùng một chợ nổi", [("=", (2,), "kho"), ("=", (1,), "chợ")]),
    # comparators apart from their number, and words that only look like them
    ("Phấn đấu không nhỏ hơn 8% diện tích trồng dặm", [(">=", (8,), "%")]),
    ("Phấn đấu không để quá 2% mẫu nước vượt chuẩn", [("<=", (2,), "%")]),
    ("Phấn đấu rác bình quân không vượt quá 0,7 kg/ngày", [("<=", (0.7,), "kg/ngày")]),
    ("Giảm 8% điện, 15% nước trên một tấn thành phẩm", [("=", (8,), "%"), ("=", (15,), "%")]),
    ("Hằng năm dành không dưới 1% quỹ đất cho bãi tập kết", [(">=", (1,), "%")]),
]


@pytest.mark.parametrize(("text", "expected"), FIGURES)
def test_figures(text: str, expected: list[tuple[str, tuple[float, ...], str]]) -> None:
    assert [(t.comparator, t.values, t.unit) for t in find_targets(text)] == expected


INDICATORS = [
    ("85% siêu thị, trung tâm thương mại sử dụng túi vải", ["siêu thị, trung tâm thương mại sử dụng túi vải"]),
    ("100% các huyện mở chuyên mục tiêu dùng xanh.", ["huyện mở chuyên mục tiêu dùng xanh"]),
    ("Tổng công suất điện rác đạt khoảng 35MW", ["Tổng công suất điện rác"]),
    ("Phấn đấu giảm 5-8% mức tiêu hao than", ["giảm mức tiêu hao than"]),
    ("Lượng túi mỏng phát ra giảm 45%", ["Lượng túi mỏng phát ra giảm"]),
    ("Tỷ lệ chôn lấp giảm xuống còn 10%", ["Tỷ lệ chôn lấp"]),
    ("Tỷ lệ thu hồi vỏ chai đạt trên 65% vào năm 2027", ["Tỷ lệ thu hồi vỏ chai"]),
    ("Kinh tế số chiếm 20% GRDP", ["Kinh tế số trong GRDP"]),
    ("Ít nhất 02 cuộc thi tìm hiểu nhãn xanh trước ngày 01/12/2026", ["cuộc thi tìm hiểu nhãn xanh"]),
    ("Xây dựng 01-02 mô hình làng nghề sạch; nhân rộng", ["mô hình làng nghề sạch"]),
    ("Điện gió (trên bờ, gần bờ…) đạt 300 MW", ["Điện gió"]),
    ("Tỷ lệ hộ ủ rác đạt 40% năm 2026 và 60% năm 2028", ["Tỷ lệ hộ ủ rác"] * 2),
    ("Hỗ trợ tư vấn cho 30% cơ sở dệt nhuộm", ["Hỗ trợ tư vấn cho cơ sở dệt nhuộm"]),
    ("Điện gió đạt 90 MW, điện mặt trời 50 MW", ["Điện gió", "điện mặt trời"]),
]


@pytest.mark.parametrize(("text", "expected"), INDICATORS)
def test_indicators(text: str, expected: list[str]) -> None:
    assert [t.indicator for t in find_targets(text)] == expected


DEADLINES = [
    ("Đến năm 2025, 70% hộ phân loại rác", [], ["2025"]),
    ("Đến năm 2025: 70% hộ; 85% chợ. 90% trường học", [], ["2025"] * 3),
    ("Đến năm 2025 đạt 70%, đến năm 2030 đạt 100% số chợ", [], ["2025", "2030"]),
    ("Tỷ lệ đạt 70% vào năm 2025 và 100% vào năm 2030", [], ["2025", "2030"]),
    ("30% năm 2026, 100% vào 2035", ["Tỷ lệ xe điện"], ["2026", "2035"]),
    ("Đến năm 2025: 70% hộ. Đến năm 2030: 90% hộ", [], ["2025", "2030"]),
    ("Mở 5 lớp trước năm 2027", [], ["2027"]),
    ("Mở 5 lớp trước ngày 01/12/2026", [], ["2026-12-01"]),
    ("Mở 5 lớp, hoàn thành trước ngày 15 tháng 9 năm 2026", [], ["2026-09-15"]),
    ("Giai đoạn 2021 - 2025 xây dựng 5 mô hình", [], ["2025"]),
    ("Xây dựng 5 mô hình trong tháng 6/2026", [], ["2026"]),
    ("Tỷ lệ tái chế tăng 10% so với năm 2020", [], [None]),
    ("Mở 5 lớp", ["Mục tiêu đến năm 2030", "1. Tập huấn"], ["2030"]),
    ("Mở 5 lớp", ["Đến năm 2030", "Năm 2026"], ["2026"]),
    ("Năm 2027 mở 5 lớp", ["Mục tiêu đến năm 2030"], ["2027"]),
    ("đế năm 2026 đạt 30% hộ", [], ["2026"]),
    ("Mở 5 lớp trước ngày 31/02/2026", [], ["2026"]),
    ("Mở 5 lớp", [], [None]),
    ("Mở 5 lớp; in 90 tờ rơi; hoàn thành trước ngày 30/9/2026", [], ["2026-09-30"] * 2),
    ("Mở 5 lớp; lập 3 tổ tự quản trong năm 2027", [], [None, "2027"]),
    ("Mở 5 lớp, lập 3 tổ; in 90 tờ rơi, xong trong năm 2027", [], ["2027"] * 3),
    ("Mở 5 lớp; lập 3 tổ tự quản; tất cả công việc hoàn thành trong năm 2027", [], ["2027"] * 2),
    ("Mở 5 lớp; lập 3 tổ. Các chỉ tiêu trên hoàn thành vào năm 2028.", [], ["2028"] * 2),
    ("Mở 5 lớp, xong trước ngày 30/6/2027; lập 3 tổ tự quản", [], ["2027-06-30"] * 2),
    ("Mở 5 lớp; siết quản lý chợ nổi giai đoạn 2026 - 2030", [], [None]),
    ("Giảm 30% ly dùng một lần trước năm 2027; bớt 5% túi trước năm 2028", [], ["2027", "2028"]),
    ("Khu A: 90% hộ ủ rác, 2026; Khu B: 70% hộ ủ rác, 2027", ["Lộ trình"], ["2026", "2027"]),
    ("Hằng năm mở 5 lớp; lập 3 tổ tự quản trong năm 2027", [], [None, "2027"]),
    ("Tỷ lệ đạt 40%; thu nhập tăng 9% vào năm 2027", [], [None, "2027"]),
    ("Mở 5 lớp. Thời hạn chung: 2028", [], ["2028"]),
    ("Hộ ủ rác | 2026: 20% | 2028: 45%", [], ["2026", "2028"]),
    ("Chợ có bể ủ | chợ | 6 | 2027", [], ["2027"]),
    ("Nhiệm kỳ 2026 - 2031, dựng 40 bể ủ", [], ["2031"]),
    ("Mở 5 lớp", ["Đến năm 2030, tầm nhìn đến năm 2045"], ["2030"]),
    ("Mở 5 lớp", ["D. Nhiệm vụ 2027"], ["2027"]),
    ("Mở 5 lớp", ["C. Phương hướng 2026 - 2027"], ["2027"]),
    ("Giai đoạn 1 (2026 - 2027): 10 chợ; giai đoạn 2 (2028 - 2030): 22 chợ", [], ["2027", "2030"]),
    ("Phấn đấu tổn thất điện xuống dưới 5% (năm 2025 là 5,8%)", [], [None]),
    ("Phấn đấu có 9 trường xanh trong năm học 2026 - 2027", [], ["2027"]),
    ("Tỷ lệ hộ ủ rác phải đạt 80%; thời hạn đạt: ngày 30/6/2028", [], ["2028-06-30"]),
]


@pytest.mark.parametrize(("text", "headings", "expected"), DEADLINES)
def test_deadlines(text: str, headings: list[str], expected: list[str | None]) -> None:
    assert [t.deadline for t in find_targets(text, headings)] == expected


NOT_TARGETS = [
    "Căn cứ Quyết định số 889/QĐ-TTg ngày 24/6/2020",
    "Theo Kế hoạch 174/KH-UBND của tỉnh",
    "Ngày 15 tháng 7 năm 2022, hội nghị khai mạc",
    "Giai đoạn 2021 - 2030 và tầm nhìn 2050",
    "1. Mô hình thí điểm\n2. Chợ dân sinh",
    "Điểm b khoản 2 Điều 3 và Phụ lục 2",
    "Theo mục III.1 của chương trình",
    "2.1. Doanh nghiệp nhỏ và vừa",
    "Điện thoại 0206.385.1234 gặp văn phòng",
    "Kinh phí thực hiện 2 tỷ đồng",
    "Dự toán năm đầu khoảng 350 triệu đồng từ ngân sách",
    "Vốn đối ứng 500 triệu đồng",
    "Xăng E5 và RON95 bán tại cửa hàng",
    "Phủ sóng 5G và đạt ISO 14001, QCVN 40:2011",
    "Trực đường dây nóng 24/24 giờ",
    "Lãi suất ưu đãi 5%",
    "Thuế suất 8% với hàng tái chế",
    "Tỉnh đã đạt 65% chỉ tiêu thu gom",
    "Hiện nay có 131 sản phẩm được xếp hạng",
    "Đã hỗ trợ 158 dự án chuỗi",
    "Sản lượng tăng 6% so với cùng kỳ",
    "Cửa hàng có diện tích trên 500 m2 phải có lối thoát nạn",
    "Gói thầu trên 500 triệu đồng phải có tiêu chí xanh",
    "Cách mạng công nghiệp 4.0",
    "Phường Hải Phòng, rừng Bảy Mẫu, bà con nông dân",
    "Lớp 5 học về rác, quận 3 làm điểm",
    "Trong vòng 30 phút phải báo cáo",
    "Không có con số nào ở đây",
    "Trang trại quy mô trên 900 con tại xã phải có hầm ủ",
    "Cơ sở tiêu thụ từ 800 TOE một năm trở lên được xếp vào nhóm lớn",
    "Ưu tiên hàng có nhãn nếu giá chênh không quá 6%",
    "Hạn mức vay không quá 65% tổng mức đầu tư",
    "Quỹ góp 3 tỷ đồng (25%)",
    "Gần 300 đoàn viên đã nhặt 2 tấn rác",
    "Bà Lê Thị Sáu, chủ vựa, gom 12 tấn giấy vụn",
    "Công ty vừa khánh thành xưởng 5 MW",
    "Năm 2024, huyện gom 900 tấn pin, hơn hẳn so với năm 2023",
    "Tỷ lệ tái chế mới đạt 17%",
    "Chấm theo thang 100 điểm, báo cáo đúng hạn 15 điểm",
    "Giá điện tăng 5% từ đầu tháng",
    "Luật Quy hoạch 2017 doanh nghiệp cần biết",
    "Xưởng đá, đồ da có 2 trên 7 tổ",
    "Trong số 300 hộ được hỏi, 180 hộ muốn đổi sang bếp từ.",
    "Xưởng giấy chạy hai máy xeo, mỗi năm bán 900 tấn bìa cho thương lái.",
    "Nếu giá củi tăng 10%, chi phí của lò bún sẽ đội lên 6 - 7%.",
    "Tỷ lệ gom pin đạt thấp hơn mục tiêu 40%",
    "Xã vào nhóm một trong 5 xã sạch nhất",
    'Thực hiện Đề án "Xây dựng ít nhất 900 căn hộ công nhân"',
    "Hộ nuôi từ 10 con dê núi trở lên phải kê khai",
    "Hồ sơ lập thành 02 bộ gửi về Sở",
    "Kinh tế số dựa trên ba trụ cột",
    "Tỷ lệ rác được ủ | 2021: 18% | 2022: 20,5% | 2023: 24%",
    "Tổ chức vi phạm chịu mức phạt gấp 2 lần",
    "Xã được công nhận sạch khi có ít nhất 70% hộ ủ rác và dành 5% đất trồng cây",
    "Đơn vị có tỷ lệ dưới 30% có thể điều chỉnh mục tiêu",
    "Tần suất quan trắc: 02 đợt/tháng",
    "Quyết định ngày 24-5-2025 về đào tạo",
    "",
]


@pytest.mark.parametrize("text", NOT_TARGETS)
def test_not_targets(text: str) -> None:
    assert find_targets(text) == []


def test_nothing_is_aimed_at_under_a_heading_of_results() -> None:
    assert find_targets("75% chợ dùng làn nhựa", ["I. KẾT QUẢ THỰC HIỆN"]) == []
    assert len(find_targets("75% chợ dùng làn nhựa", ["I. MỤC TIÊU"])) == 1
    assert len(find_targets("75% chợ dùng làn nhựa", ["I. KẾT QUẢ NĂM 2025", "2. Nhiệm vụ năm 2026"])) == 1
    assert find_targets("75% chợ dùng làn nhựa", ["I. KẾT QUẢ", "3. Phân phối"]) == []


def test_awards_and_scores_are_not_aimed_at() -> None:
    assert find_targets("Mỗi xã chọn không quá 05 cá nhân", ["2. Bằng khen", "a) Cấp xã"]) == []


def test_a_result_under_a_heading_of_aims_is_told_apart() -> None:
    row = "Tỷ lệ hộ ủ rác | Hiện trạng 2025: 31% | Mục tiêu 2028: 50%"
    assert [(t.values, t.deadline) for t in find_targets(row, ["Bảng 1. Chỉ tiêu"])] == [((50,), "2028")]
    assert find_targets("Hiện nay, toàn tỉnh có khoảng 180 trạm", ["II. MỤC TIÊU"]) == []


def test_how_something_is_sampled_is_not_aimed_at() -> None:
    assert find_targets("Lấy mẫu nước tại 15 vị trí", ["II. NHIỆM VỤ"]) == []
    assert find_targets("01 vị trí ở cửa cống", ["II. NHIỆM VỤ"], "Kế hoạch quan trắc nước nuôi tôm") == []
    assert len(find_targets("Lắp trạm quan trắc tại 16 điểm xả", ["II. NHIỆM VỤ"])) == 1


def test_new_plants_reach_what_is_aimed_at() -> None:
    aimed = "Phấn đấu đến năm 2030: 9 chợ đóng bãi tạm; công suất các nhà máy mới đạt 300 tấn/ngày"
    assert [t.values for t in find_targets(aimed, ["II. MỤC TIÊU"])] == [(9,), (300,)]
    assert find_targets("Tỷ lệ ủ rác mới đạt 30%", ["II. MỤC TIÊU"]) == []


def test_yearly_cells_count_in_their_own_period() -> None:
    row = "Tỷ lệ hộ ủ rác | 2022: 18% | 2023: 20% | 2024: 24%"
    assert len(find_targets(row, ["Lộ trình giai đoạn 2021 - 2025"])) == 3


def test_a_row_is_named_by_its_own_cell() -> None:
    row = "Nội dung: Tỷ lệ hộ ủ rác; Đơn vị tính: %; Năm 2026: 8,00; Năm 2027: 10,00"
    assert [(t.indicator, t.deadline) for t in find_targets(row, ["Bảng 1. Chỉ tiêu"])] == [
        ("Tỷ lệ hộ ủ rác", "2026"),
        ("Tỷ lệ hộ ủ rác", "2027"),
    ]


def test_prose_without_headings_commits_only_where_it_says_so() -> None:
    assert find_targets("Toàn huyện dùng 40% bao giấy. Chợ đông.") == []
    assert len(find_targets("Toàn huyện phấn đấu dùng 40% bao giấy. Chợ đông.")) == 1


def test_the_title_dates_what_no_heading_dates() -> None:
    title = "Kế hoạch quản lý rác nhựa giai đoạn 2026 - 2030"
    assert [t.deadline for t in find_targets("Mở 5 lớp", ["II. MỤC TIÊU"], title)] == ["2030"]
    assert [t.deadline for t in find_targets("Mở 5 lớp", ["Năm 2027"], title)] == ["2027"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Có 80% hộ trên địa bàn tỉnh ủ rác", "trên địa bàn tỉnh"),
        ("Trên địa bàn thành phố Cao Lãnh, 40% chợ gom pin", "Trên địa bàn thành phố Cao Lãnh"),
        ("Gom riêng 70% bùn tại các khu công nghiệp", "tại các khu công nghiệp"),
        ("Gom riêng 70% bùn ao", None),
    ],
)
def test_scope(text: str, expected: str | None) -> None:
    assert [t.scope for t in find_targets(text)] == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Phấn đấu ít nhất 02 cuộc thi", "ít nhất 02 cuộc thi"),
        ("sản lượng đạt khoảng 115 triệu kWh điện", "khoảng 115 triệu kWh"),
        ("dành từ 5 kệ trở lên cho hàng xanh", "từ 5 kệ trở lên"),
        ("giảm xuống còn 12% lượng rác", "xuống còn 12%"),
        ("tiết kiệm 5 - 8% điện", "5 - 8%"),
    ],
)
def test_spans_give_the_figure_back(text: str, expected: str) -> None:
    (target,) = find_targets(text)
    assert text[slice(*target.span)] == expected


def test_indicators_are_short() -> None:
    (target,) = find_targets("Phấn đấu 90% " + "hộ dân " * 60)
    assert len(target.indicator.split()) == 30


@pytest.mark.parametrize(
    "text",
    ["1" * 20000, "1 " * 10000, "1.111." * 3400, "5% " * 6700, "trên " * 4000, "từ " * 6700, "a " * 10000, "(" * 20000,
     "|5" * 10000, "đơn vị: chợ; " + "|5" * 2000, "số chợ, " * 2500 + "5", "doanh nghiệp có " * 1250 + "trên 5 lò phải",
     "đến năm 2025 " * 1500, "thời hạn: " * 2000, "giai đoạn 2021 - 2025 " * 900, "5 hộ " + "đã " * 6000,
     "9 trong " * 2500, "một phần " * 2000, "5" + "0" * 300 + " lớp", " " * 20000, "tại các khu " * 1700],
)  # fmt: skip
def test_hostile_text_ends_soon(text: str) -> None:
    begin = time.process_time()
    find_targets(text)
    assert time.process_time() - begin < 4


def test_dumps_of_numbers_are_judged_in_part() -> None:
    assert len(find_targets("5% " * 70_000, ["I. MỤC TIÊU"])) == MAX_FIGURES


def test_thousands_of_paragraphs_a_second() -> None:
    text = "Đến năm 2030, 85% siêu thị dùng túi vải, tổng công suất gió đạt 120 MW, mở ít nhất 05 lớp tập huấn."
    begin = time.process_time()
    for _ in range(1000):
        find_targets(text)
    assert time.process_time() - begin < 2
