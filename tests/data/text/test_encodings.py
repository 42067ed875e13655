"""The encoding of a CSV file is found out, asked for, or given, and never wrong without a word."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import specnet
from specnet.data import FORMATS, inspect_data
from specnet.data.formats.csv.survey import survey
from specnet.data.text.encodings import SAMPLE, found_encoding, is_text_encoding, possible_encodings

TEXTS = {
    "Korean": "이름,도시,나이\n김철수,서울,23\n이영희,부산,31\n박민수,대구,28\n",
    "Japanese": "名前,都市,年齢\n山田太郎,東京,23\n鈴木花子,大阪,31\nさとう,なごや,4\nトヨタ,ホンダ,5\n",
    "Japanese without kana": "名前,都市,年齢\n山田太郎,東京,23\n鈴木花子,大阪,31\n高橋一郎,名古屋,44\n",
    "simplified Chinese": "姓名,城市,年龄\n张伟,北京,23\n王芳,上海,31\n李娜,广州,28\n刘洋,深圳,35\n陈静,杭州,30\n",
    "traditional Chinese": "姓名,城市,年齡\n陳怡君,臺北,23\n林志明,高雄,31\n黃淑芬,臺中,28\n張家豪,新竹,35\n",
    "German": "größe,farbe\n1,grün\n2,weiß\n",
    "French": "prénom,âge\nHélène,3\nÉric,4\n",
    "quotes": "name,text\na,it\u2019s fine\nb,caf\u00e9 \u201cx\u201d\n",
    "Danish": "navn,by\nSøren,Århus\nKjær,Tromsø\n",
    "units": "µm,°C,m²\n1,2,3\n",
}
FOUND = [
    ("Korean", "cp949", "cp949"),
    ("Korean", "euc_kr", "cp949"),
    ("Japanese", "cp932", "cp932"),
    ("Japanese", "shift_jis", "cp932"),
    ("Japanese", "euc_jp", "euc_jp"),
    ("Japanese without kana", "cp932", "cp932"),
    ("simplified Chinese", "gb2312", "gb18030"),
    ("simplified Chinese", "gb18030", "gb18030"),
    ("traditional Chinese", "big5", "big5"),
    ("German", "latin-1", "latin-1"),
    ("French", "cp1252", "latin-1"),
    ("quotes", "cp1252", "cp1252"),
    ("Danish", "latin-1", "latin-1"),
    ("units", "latin-1", "latin-1"),
    *[
        (name, encoding, encoding.removesuffix("-sig"))
        for name in TEXTS
        for encoding in ("utf-8", "utf-8-sig", "utf-16")
    ],
    *[(name, encoding, encoding) for name in TEXTS for encoding in ("utf-16-le", "utf-16-be", "utf-32")],
]


@pytest.mark.parametrize(("name", "encoding", "found"), FOUND)
def test_an_encoding_is_found(name: str, encoding: str, found: str) -> None:
    data = TEXTS[name].encode(encoding)
    assert found_encoding(data) == found
    assert data.decode("utf-8-sig" if found == "utf-8" else found) == TEXTS[name]


OPEN = {
    "Russian": ("имя,город\nИван,Москва\nМария,Казань\n", ["cp1251", "koi8-r", "iso8859-5"]),
    "Greek": ("όνομα,πόλη\nΓιώργος,Αθήνα\n", ["cp1253", "iso8859-7"]),
    "Thai": ("ชื่อ,เมือง\nสมชาย,กรุงเทพ\n", ["cp874"]),
    "Polish": ("imię,miasto\nŁukasz,Łódź\nPaweł,Gdańsk\n", ["cp1250", "iso8859-2"]),
    "Czech": ("jméno,město\nJiří,Plzeň\nŘehoř,Děčín\nZdeněk,Třebíč\n", ["cp1250"]),
    "Turkish": ("ad,şehir\nAyşe,Eskişehir\nOğuz,Diyarbakır\n", ["cp1254"]),
    "Hungarian": ("név,város\nGyőző,Győr\nErzsébet,Pécs\nBűdös,x\n", ["cp1250"]),
    "little Korean": ("a,b\n1,서울\n2,부산\n", ["cp949"]),
    "little Chinese": ("a,b\n1,北京\n2,上海\n", ["gb18030", "big5"]),
    "Japanese kanji in EUC": (TEXTS["Japanese without kana"], ["euc_jp"]),
}


@pytest.mark.parametrize(("name", "encoding"), [(name, e) for name, (_, each) in OPEN.items() for e in each])
def test_what_bytes_do_not_tell_remains_open(name: str, encoding: str) -> None:
    data = OPEN[name][0].encode(encoding)
    assert found_encoding(data) is None
    assert possible_encodings(data)
    if not encoding.startswith("iso"):
        assert encoding in possible_encodings(data)


def test_a_sample_may_end_within_a_character() -> None:
    data = (TEXTS["Korean"] * 20_000).encode("cp949")
    assert len(data) > 1 << 20
    for more in range(2):
        assert found_encoding(b"x" * more + data) == "cp949"


def test_what_is_no_text_has_no_encoding() -> None:
    drawn = random.Random(1)
    assert found_encoding(bytes(drawn.randrange(256) for _ in range(5000))) is None
    assert found_encoding(b"\0\0") is None


@pytest.mark.parametrize(
    ("name", "known"), [("cp949", True), ("UTF_16", True), ("rot13", False), ("hex", False), ("no", False)]
)
def test_only_encodings_of_text_are_known(name: str, known: bool) -> None:
    assert is_text_encoding(name) is known


def written(folder: Path, encoding: str) -> str:
    rows = [f"{n},{'서울' if n % 3 else '부산'},{n % 2}" for n in range(60)]
    (folder / "t.csv").write_bytes("\n".join(["나이,도시,합격", *rows]).encode(encoding))
    return f"""
specnet = 1
data = {{ type = "csv", path = "t.csv", target = "합격", encoding = "{encoding}", load = "LOAD" }}
layers = [{{ type = "dense", units = 2 }}]
loss = "cross_entropy"
training = {{ epochs = 2 }}
"""


@pytest.mark.parametrize("load", ["whole", "batches"])
@pytest.mark.parametrize("encoding", ["cp949", "utf-16", "utf-16-le", "gb18030"])
def test_a_run_reads_validates_and_predicts_in_an_encoding(encoding: str, load: str, tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(written(tmp_path, encoding).replace("LOAD", load), encoding="utf-8")
    assert specnet.validate(path).ok
    result = specnet.run(specnet.load(path), out=tmp_path / "run")
    assert result.data.signature.features == ("나이", "도시=부산", "도시=서울")
    found = specnet.evaluate(tmp_path / "run", tmp_path / "t.csv")
    assert found.splits["data"]["loss"] == pytest.approx(result.splits["train"]["loss"], rel=1e-5)
    wrong = (tmp_path / "t.csv").read_bytes().decode(encoding).replace("2,서울,0", "2,x,0")
    (tmp_path / "new.csv").write_bytes(wrong.encode(encoding))
    with pytest.raises(specnet.SpecError, match="`x` in lines 4, 24, 34 and 54"):
        specnet.evaluate(tmp_path / "run", tmp_path / "new.csv")


@pytest.mark.parametrize("load", ["whole", "batches"])
@pytest.mark.parametrize("row", [0, 3, 40_000])
def test_a_byte_that_is_not_text_is_named_with_its_line(row: int, load: str, tmp_path: Path) -> None:
    rows = [f"{n},{n % 2}".encode() for n in range(50_000)]
    rows[row] = b"\xff\xff,1"
    # One cell goes over two lines.
    (tmp_path / "t.csv").write_bytes(b'"a\nb",y\n' + b"\n".join(rows))
    path = tmp_path / "s.toml"
    text = (
        'specnet = 1\nlayers = [{ type = "dense", units = 2 }]\nloss = "cross_entropy"\ntraining = { epochs = 1 }\n'
        f'data = {{ type = "csv", path = "t.csv", target = "y", encoding = "cp949", load = "{load}" }}\n'
    )
    path.write_text(text, encoding="utf-8")
    (found,) = specnet.validate(path).diagnostics
    assert (found.code, found.message) == (
        "SN503",
        f"`t.csv` is not text in cp949: line {row + 3} has the byte 0xff",
    )


def test_a_fault_names_the_encoding_that_a_file_seems_to_have(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(
        written(tmp_path, "cp949").replace("LOAD", "whole").replace("cp949", "utf-8"), encoding="utf-8"
    )
    (tmp_path / "t.csv").write_bytes(TEXTS["Korean"].encode("cp949"))
    (found,) = specnet.validate(tmp_path / "s.toml").diagnostics
    assert found.code == "SN503"
    assert found.help == 'write `encoding = "cp949"`, which it seems to be'


@pytest.mark.parametrize("load", ["whole", "batches"])
@pytest.mark.parametrize(("name", "language"), [("latin-1", "French"), ("cp949", "Korean")])
def test_the_encoding_of_a_file_shows_however_late_it_is_not_ascii(
    name: str, language: str, load: str, tmp_path: Path
) -> None:
    late = "".join(f"{cell},1\n" for cell in TEXTS[language].replace("\n", ",").split(","))
    (tmp_path / "t.csv").write_bytes(b"x,y\n" + b"a,0\n" * (SAMPLE // 3) + late.encode(name))
    data = {"type": "csv", "path": "t.csv", "target": "y", "load": load}
    with pytest.raises(specnet.SpecError) as caught:
        inspect_data(FORMATS.validate(data), tmp_path)
    (found,) = caught.value.diagnostics
    assert found.code == "SN503"
    assert found.help == f'write `encoding = "{name}"`, which it seems to be'


def test_a_survey_finds_out_or_asks_or_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(TEXTS["Korean"].encode("euc_kr"))
    assert (survey(path).dialect.encoding, survey(path).columns[1].name) == ("cp949", "도시")
    path.write_bytes(OPEN["Russian"][0].encode("cp1251"))
    with pytest.raises(
        specnet.SpecError, match="is not UTF-8, and could have several other encodings"
    ) as caught:
        survey(path)
    assert "name it with --encoding; " in str(caught.value.diagnostics[0].help)
    assert "cp1251 `имя,город`" in str(caught.value.diagnostics[0].help)
    assert survey(path, "cp1251").columns[1].name == "город"
    with pytest.raises(specnet.SpecError, match="is not text in ascii: line 1 has the byte 0xe8"):
        survey(path, "ascii")
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(specnet.SpecError, match="is a zip archive that cannot be unpacked"):
        survey(path)
