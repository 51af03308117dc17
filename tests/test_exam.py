"""An exam's numbers are right, its choices have one answer, and what is written can be read again."""

import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from exam_answers import ANSWERS

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "book" / "teaching")]
import exam  # noqa: E402
import secret  # noqa: E402
import write_exam  # noqa: E402

NAMES = exam.names()
CHAPTERS = (1, 2, 3, 4, 5, 10)
SEEDS = range(50)
SEED = "a text that is kept"


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def questions():
    return exam.exam(7)


# -- what is asked ------------------------------------------------------------------------------------------


def test_there_are_enough_questions_of_every_kind_and_chapter(questions):
    assert len(questions) >= 40
    assert {q.chapter for q in questions} == {*CHAPTERS}
    for chapter in CHAPTERS:
        kinds = {q.kind for q in questions if q.chapter == chapter}
        assert kinds == {"number", "choice", "derivation"}
    kinds = [q.kind for q in questions]
    assert all(kinds.count(kind) >= 6 for kind in ("number", "choice", "derivation"))


def test_each_question_is_whole(name):
    q = exam.drawn(name, 7)
    assert q.name == name and int(name[:2]) == q.chapter
    assert q.minutes in range(2, 11) and q.points >= 1
    assert len(q.goal.split()) > 3 and q.goal[0].islower() and q.goal[-1] != "."
    assert len(q.text.split()) > 8 and len(q.solution.split()) >= 3
    for text in (q.text, q.solution, *(o.text for o in q.options), *(o.why for o in q.options)):
        assert text.count("$") % 2 == 0 and "\n" not in text
        assert not re.search(r"nan|inf\b|None|\{[a-z]+_\w+\}|np\.|Rational", text), text


@pytest.mark.parametrize("seed", range(2))
def test_each_answer_is_what_another_way_gives(name, seed):
    q = exam.drawn(name, seed)
    if q.kind == "derivation":
        check_derivation(q)
        return
    again = ANSWERS[name](**q.given)
    if isinstance(again, str):
        assert again == q.answer
    else:
        value = q.answer if q.kind == "number" else q.value
        assert again == pytest.approx(value, rel=2e-3)
        if isinstance(q.answer, int):
            assert again == q.answer


def check_derivation(q):
    """Compare with differences of the energy, or see that it is where the energy does not rise or fall."""
    by, energy, rng = q.given["by"], q.given["energy"], np.random.default_rng(0)
    others = sorted((energy.free_symbols | q.answer.free_symbols) - {by}, key=str)
    for _ in range(5):
        at = {s: float(rng.uniform(0.3, 0.9)) for s in others}
        x = float(q.answer.subs(at)) if q.given.get("solved") else float(rng.uniform(0.3, 0.9))
        low, mid, high = (float(energy.subs({**at, by: x + h})) for h in (-1e-4, 0, 1e-4))
        slope, bend = (high - low) / 2e-4, (high - 2 * mid + low) / 1e-8
        if q.given.get("root"):
            assert abs(mid) < 1e-9 and high < 0 < low
        elif q.given.get("solved"):
            assert abs(slope) < 1e-6 and bend > 0
        elif q.given.get("twice"):
            assert bend == pytest.approx(float(q.answer), rel=1e-3)
        else:
            assert slope == pytest.approx(float(q.answer.subs({**at, by: x})), rel=1e-4, abs=1e-6)


def test_no_choice_is_ambiguous_whatever_the_seed(name):
    for seed in SEEDS:
        q = exam.drawn(name, seed)
        if q.kind != "choice":
            continue
        texts = [o.text for o in q.options]
        assert len({re.sub(r"\s", "", text) for text in texts}) == len(texts) >= 4
        assert [o.text for o in q.options if o.right] == [q.answer]
        assert all(o.why and o.why[-1] != "." for o in q.options if not o.right)
        if q.value is not None:
            values = sorted(number_in(text) for text in texts)
            for low, high in zip(values, values[1:], strict=False):
                assert high - low > 0.02 * max(abs(low), abs(high)), (seed, texts)


def test_no_letter_is_right_more_often_than_another():
    drawn = [q for seed in range(20) for q in exam.exam(seed) if q.kind == "choice"]
    options = Counter(len(q.options) for q in drawn)
    often = [count for count, times in options.items() if times >= 200]
    assert often, f"too few questions of one kind to tell: {options}"
    for count in often:
        right = [[o.right for o in q.options].index(True) for q in drawn if len(q.options) == count]
        for letter in range(count):
            assert abs(right.count(letter) / len(right) - 1 / count) < 0.06, (count, letter)
    paper = write_exam.as_markdown(exam.exam(7), SEED, solved=True)
    letters = re.findall(r"\*\*([a-e])\)\*\*", paper)
    assert max(map(letters.count, letters)) < 0.45 * len(letters) and {*letters} >= {*"abcd"}


def number_in(text):
    found = re.match(
        r"\$(-?[\d.]+)(?: \\times 10\^\{(-?\d+)\})?\$", text.replace("\N{THIN SPACE}", "")
    )
    return float(found[1]) * 10.0 ** int(found[2] or 0)


def test_a_number_is_far_enough_from_zero_for_every_system():
    for name in NAMES:
        for seed in SEEDS:
            q = exam.drawn(name, seed)
            if q.kind == "number":
                assert abs(q.answer) >= 0.005 and np.isfinite(q.answer)
                assert q.tolerance == 0 or q.tolerance >= 5e-5


def test_most_mistakes_are_those_that_the_exercises_know(questions):
    known = {
        text
        for chapter in CHAPTERS
        for number in range(1, 7)
        for text in diagnoses(f"{chapter}.{number}")
    }
    said = [o.why for q in questions for o in q.options if not o.right]
    assert len(said) > 80 and sum(why in known for why in said) > 0.6 * len(said)


def diagnoses(number):
    try:
        return exam.find(number).diagnoses
    except (KeyError, ValueError):
        return ()


def test_two_seeds_differ(name):
    drawn = [exam.drawn(name, seed) for seed in SEEDS]
    assert len({(q.text, *(o.text for o in q.options)) for q in drawn}) >= 5
    assert len({q.text for q in drawn}) >= 2
    assert exam.drawn(name, 3) == exam.drawn(name, 3)


def test_two_exams_differ():
    one, other = (exam.exam(seed) for seed in (1, 2))
    same = [
        a.name
        for a, b in zip(one, other, strict=True)
        if (a.text, a.options) == (b.text, b.options)
    ]
    assert len(same) <= 5, same


def test_an_exam_of_some_minutes_takes_of_every_chapter():
    taken = exam.exam(7, minutes=60)
    assert 50 < sum(q.minutes for q in taken) <= 60
    assert {q.chapter for q in taken} == {*CHAPTERS}
    assert {q.chapter for q in exam.exam(7, chapters=[4, 10])} == {4, 10}
    assert [q.name for q in exam.exam(8, minutes=60)] != [q.name for q in taken]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((-1,), "the seed is -1; give a whole number"),
        (("a",), "the seed is 'a'; give a whole number"),
        ((7, [6]), "chapter 6 has no questions; choose among"),
        ((7, [1], 1), "1 minutes hold no question; give 2 at least"),
    ],
)
def test_what_cannot_be_is_said(arguments, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        exam.exam(*arguments)


def test_a_mistake_that_an_exercise_no_longer_knows_is_told():
    with pytest.raises(ValueError, match="exercise 1.1 has 0 mistakes that begin"):
        exam.says("1.1", "no such words")


# -- what is written ----------------------------------------------------------------------------------------


def test_markdown_holds_the_answers_only_where_it_shall(questions):
    plain = write_exam.as_markdown(questions, SEED, solved=False)
    solved = write_exam.as_markdown(questions, SEED, solved=True)
    for q in questions:
        assert q.text in plain and q.text in solved
        assert q.solution in solved and q.solution not in plain
        assert q.goal in solved and q.goal not in plain
        for o in q.options:
            assert f") {o.text}\n" in plain
            assert not o.why or (o.why in solved and f") {o.why}" not in plain)
    assert plain.count("\n## ") == solved.count("\n## ") == len(questions)


QTI = "{http://www.imsglobal.org/xsd/ims_qtiasiv1p2}"
KINDS = {"number": "numerical_question", "choice": "multiple_choice_question"}
KINDS["derivation"] = "essay_question"


# What the schema of QTI 1.2.1 (ims_qtiasiv1p2p1) allows inside the elements that are written here, in its own
# notation, with its required attributes and those whose values it lists.
QTI_INSIDE = {
    "questestinterop": "qticomment? (objectbank | assessment | (section | item)+)",
    "assessment": "qticomment? duration? qtimetadata* objectives* assessmentcontrol* rubric* "
    "presentation_material? outcomes_processing* assessproc_extension? assessfeedback* selection_ordering? "
    "reference? (sectionref | section)+",
    "section": "qticomment? duration? qtimetadata* objectives* sectioncontrol* sectionprecondition* "
    "sectionpostcondition* rubric* presentation_material? outcomes_processing* sectionproc_extension? "
    "sectionfeedback* selection_ordering? reference? (itemref | item | sectionref | section)*",
    "qtimetadata": "vocabulary? qtimetadatafield+",
    "qtimetadatafield": "fieldlabel fieldentry",
    "item": "qticomment? duration? itemmetadata? objectives* itemcontrol* itemprecondition* "
    "itempostcondition* (itemrubric | rubric)* presentation? resprocessing* itemproc_extension? "
    "itemfeedback* reference?",
    "itemmetadata": "qtimetadata*",
    "presentation": "qticomment? (flow | (material | response_lid | response_str | response_num)+)",
    "material": "qticomment? (mattext | matimage | matbreak)+ altmaterial*",
    "response_lid": "material? (render_choice | render_fib) material?",
    "response_str": "material? (render_choice | render_fib) material?",
    "render_choice": "(material | response_label | flow_label)* response_na?",
    "render_fib": "(material | response_label | flow_label)* response_na?",
    "response_label": "(qticomment | material | material_ref | flow_mat)*",
    "resprocessing": "qticomment? outcomes (respcondition | itemproc_extension)+",
    "outcomes": "qticomment? (decvar interpretvar*)+",
    "respcondition": "qticomment? conditionvar setvar* displayfeedback* respcond_extension?",
    "conditionvar": "(not | and | or | unanswered | other | varequal | varlt | varlte | vargt | vargte)+",
    "or": "(not | and | or | unanswered | other | varequal | varlt | varlte | vargt | vargte)+",
    "and": "(not | and | or | unanswered | other | varequal | varlt | varlte | vargt | vargte)+",
    "itemfeedback": "(flow_mat | material | solution | hint)+",
    "flow_mat": "qticomment? (flow_mat | material | material_ref)+",
    **dict.fromkeys("fieldlabel fieldentry mattext decvar setvar displayfeedback".split(), ""),
    **dict.fromkeys("varequal vargte varlte other".split(), ""),
}
QTI_ASKED = {
    **dict.fromkeys("assessment section item itemfeedback response_label".split(), {"ident": ".+"}),
    **dict.fromkeys(("response_lid", "response_str"), {"ident": ".+", "rcardinality": "Single"}),
    **dict.fromkeys(("varequal", "vargte", "varlte"), {"respident": ".+"}),
    "displayfeedback": {"linkrefid": ".+", "feedbacktype": "Response|Solution|Hint"},
    "render_fib": {"fibtype?": "String|Integer|Decimal|Scientific"},
    "decvar": {"vartype": "Integer|String|Decimal|Scientific|Boolean|Enumerated|Set"},
    "setvar": {"action": "Set|Add|Subtract|Multiply|Divide"},
    "respcondition": {"continue": "Yes|No"},
}

# Moodle publishes no schema: this is what its importer (question/format/xml) reads of each kind.
ABOUT = "name questiontext generalfeedback idnumber? defaultgrade penalty hidden"
MOODLE_INSIDE = {
    "quiz": "question*",
    "question category": "category",
    "question numerical": f"{ABOUT} answer+ unitgradingtype unitpenalty showunits unitsleft",
    "question multichoice": f"{ABOUT} single shuffleanswers answernumbering showstandardinstruction "
    "correctfeedback partiallycorrectfeedback incorrectfeedback shownumcorrect answer+",
    "question essay": f"{ABOUT} responseformat responserequired responsefieldlines minwordlimit maxwordlimit "
    "attachments attachmentsrequired maxbytes filetypeslist graderinfo responsetemplate",
    "answer": "text feedback tolerance?",
    **dict.fromkeys(
        "name category questiontext generalfeedback feedback graderinfo".split(), "text"
    ),
    **dict.fromkeys("correctfeedback partiallycorrectfeedback incorrectfeedback".split(), "text"),
    "responsetemplate": "text",
}
MOODLE_SAYS = {
    "defaultgrade": r"\d+(\.\d+)?", "penalty": r"0(\.\d+)?|1(\.0+)?", "hidden": "0|1",
    "single": "true|1", "shuffleanswers": "false|0", "answernumbering": "abc|ABCD|123|iii|IIII|none",
    "tolerance": r"\d+(\.\d+)?(e-\d+)?", "responseformat": "editor|monospaced|plain",
    "responserequired": "0|1", "unitgradingtype": "0", "showunits": "3", "attachments": "0",
}  # fmt: skip


def faults(root, inside, asked=None, says=None):
    """Compare each element with what may stand in it, which attributes it needs, and what it may say."""
    for e in root.iter():
        tag = e.tag.split("}")[-1]
        kind = f"{tag} {e.get('type')}" if "type" in e.attrib else tag
        model = re.sub(r"\s", "", re.sub(r"\w+", r"(?:\g<0>,)", inside.get(kind, "")))
        children = "".join(f"{child.tag.split('}')[-1]}," for child in e)
        if not re.fullmatch(model, children):
            yield f"{kind}: {children}"
        if children and (e.text or "").strip():
            yield f"{kind}: text beside elements"
        for name, pattern in (asked or {}).get(tag, {}).items():
            if name.endswith("?") and name[:-1] not in e.attrib:
                continue
            if not re.fullmatch(pattern, e.get(name.rstrip("?"), "")):
                yield f"{kind}: {name}={e.get(name)}"
        if tag in (says or {}) and not re.fullmatch(says[tag], (e.text or "").strip()):
            yield f"{kind}: {e.text}"


def assessment_of(questions):
    package = zipfile.ZipFile(io.BytesIO(write_exam.as_qti(questions)))
    (name,) = (n for n in package.namelist() if re.fullmatch(r"(\w+)/\1\.xml", n))
    return ET.fromstring(package.read(name))


def test_qti_is_valid(questions):
    root = assessment_of(questions)
    assert [*faults(root, QTI_INSIDE, QTI_ASKED)] == []
    assert {e.tag.split("}")[-1] for e in root.iter()} <= {*QTI_INSIDE}
    for item in root.iter(f"{QTI}item"):
        feedback = [e.get("ident") for e in item.iter(f"{QTI}itemfeedback")]
        assert {e.get("linkrefid") for e in item.iter(f"{QTI}displayfeedback")} == {*feedback}
        assert len({*feedback}) == len(feedback)
        (asked,) = (e.get("ident") for e in item.iter() if "rcardinality" in e.attrib)
        assert {e.get("respident") for e in item.iter()} <= {asked, None}
        labels = {e.get("ident") for e in item.iter(f"{QTI}response_label")}
        if item.find(f".//{QTI}render_choice") is not None:
            assert {e.text for e in item.iter(f"{QTI}varequal")} == labels


def test_moodle_is_what_its_importer_reads(questions):
    root = ET.fromstring(write_exam.as_moodle(questions))
    assert [*faults(root, MOODLE_INSIDE, says=MOODLE_SAYS)] == []
    assert {e.get("format") for e in root.iter()} <= {"html", "moodle_auto_format", None}
    assert all(0 <= float(a.get("fraction")) <= 100 for a in root.iter("answer"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda item: item.insert(0, item[1]), "item: "),
        (lambda item: item.append(ET.Element(f"{QTI}material")), "item: "),
        (lambda item: item.attrib.pop("ident"), "item: ident=None"),
        (
            lambda item: item.find(f".//{QTI}decvar").set("vartype", "Number"),
            "decvar: vartype=Number",
        ),
    ],
)
def test_what_is_not_valid_is_found(change, said, questions):
    root = assessment_of(questions[:3])
    change(root.find(f".//{QTI}item"))
    assert any(fault.startswith(said) for fault in faults(root, QTI_INSIDE, QTI_ASKED))


def test_qti_is_read_back(questions):
    package = zipfile.ZipFile(io.BytesIO(write_exam.as_qti(questions)))
    manifest = ET.fromstring(package.read("imsmanifest.xml"))
    files = [e.get("href") for e in manifest.iter() if e.tag.endswith("}file")]
    assert files and all(file in package.namelist() for file in files)
    (assessment,) = (
        ET.fromstring(package.read(file)) for file in files if "meta" not in Path(file).name
    )
    assert assessment.tag == f"{QTI}questestinterop"
    items = [*assessment.iter(f"{QTI}item")]
    assert len({item.get("ident") for item in items}) == len(items) == len(questions)
    for item, q in zip(items, questions, strict=True):
        fields = {f[0].text: f[1].text for f in item.iter(f"{QTI}qtimetadatafield")}
        assert item.get("title") == q.name and fields["question_type"] == KINDS[q.kind]
        assert float(fields["points_possible"]) == q.points
        shown = item.find(f"{QTI}presentation/{QTI}material/{QTI}mattext").text
        formulas = re.findall(r"\$(.+?)\$", q.text)
        assert len(re.findall(r'data-equation-content="', shown)) == len(formulas)
        if q.kind == "choice":
            labels = {e.get("ident"): e for e in item.iter(f"{QTI}response_label")}
            assert len(labels) == len(q.options)
            (right,) = (
                c.find(f".//{QTI}varequal").text
                for c in item.iter(f"{QTI}respcondition")
                if c.find(f"{QTI}setvar") is not None
            )
            assert [*labels].index(right) == [o.right for o in q.options].index(True)
        elif q.kind == "number":
            low = float(next(item.iter(f"{QTI}vargte")).text)
            high = float(next(item.iter(f"{QTI}varlte")).text)
            assert low <= q.answer <= high
            assert low == pytest.approx(q.answer - q.tolerance, abs=1e-4)
            assert high == pytest.approx(q.answer + q.tolerance, abs=1e-4)


def test_moodle_is_read_back(questions):
    quiz = ET.fromstring(write_exam.as_moodle(questions))
    assert quiz.tag == "quiz"
    read = [e for e in quiz if e.get("type") != "category"]
    kinds = {"number": "numerical", "choice": "multichoice", "derivation": "essay"}
    assert [e.get("type") for e in read] == [kinds[q.kind] for q in questions]
    for e, q in zip(read, questions, strict=True):
        assert e.findtext("name/text") == q.name
        assert float(e.findtext("defaultgrade")) == q.points
        text, told = e.findtext("questiontext/text"), e.findtext("generalfeedback/text")
        assert text.count(r"\(") == text.count(r"\)") >= q.text.count("$") // 2
        assert "$" not in text + told and "@@" not in text + told
        fractions = [float(a.get("fraction")) for a in e.iter("answer")]
        if q.kind == "choice":
            assert fractions == [100.0 * o.right for o in q.options]
            assert len({a.findtext("text") for a in e.iter("answer")}) == len(q.options)
        elif q.kind == "number":
            assert fractions == [100.0]
            assert float(e.findtext("answer/text")) == pytest.approx(q.answer)
            assert float(e.findtext("answer/tolerance")) == pytest.approx(q.tolerance, rel=1e-4)
        else:
            assert "solution" not in text and e.findtext("graderinfo/text").strip() == told.strip()


def test_moodle_is_read_by_another_reader(questions):
    """HTML inside is whole: each tag is closed, and a formula's signs are no tags."""
    for e in ET.fromstring(write_exam.as_moodle(questions)).iter("text"):
        if e.text and "<p>" in e.text:
            ET.fromstring(f"<div>{e.text}</div>")


def test_one_command_writes_all(tmp_path):
    tool = ROOT / "tools" / "write_exam.py"
    command = [sys.executable, tool, SEED, "--minutes", "45", "--folder", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {
        "exam.md",
        "solutions.md",
        "qti.zip",
        "moodle.xml",
    }
    again = exam.exam(secret.number_of(SEED), minutes=45)
    exam_md = (tmp_path / "exam.md").read_text("utf-8")
    assert exam_md == write_exam.as_markdown(again, SEED, solved=False)
    for seed in ("7", "term 2027"):
        wrong = subprocess.run([sys.executable, tool, seed], capture_output=True, text=True)
        assert wrong.returncode and "Traceback" not in wrong.stderr
        assert f"the seed {seed!r} has {len(seed)} characters, and 12 or more" in wrong.stderr


def test_what_students_see_tells_no_seed(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["write_exam.py", SEED, "--folder", str(tmp_path)])
    assert write_exam.main() == 0
    with zipfile.ZipFile(tmp_path / "qti.zip") as package:
        parts = {name: package.read(name).decode() for name in package.namelist()}
    assert not [name for name in parts if secret.short(SEED) in name or SEED in name]
    for text in (*parts.values(), *(p.read_text() for p in tmp_path.glob("[em]*.*"))):
        assert SEED not in text and str(secret.number_of(SEED)) not in text
    assert any(">false</show_correct_answers>" in text for text in parts.values())
    assert f"Seed {SEED}." in (tmp_path / "solutions.md").read_text()
    assert "****" not in (tmp_path / "solutions.md").read_text()


def test_the_pages_do_not_hold_the_questions(site):
    for path in site.rglob("*.html"):
        assert "Give three significant digits" not in path.read_text("utf-8")
    assert not [path for path in site.rglob("*") if "teaching/exam" in str(path)]


def test_sympy_is_what_a_solution_shows():
    q = exam.drawn("05-curvature", 7)
    assert sp.latex(2 / q.answer) in q.solution
