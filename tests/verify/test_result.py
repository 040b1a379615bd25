"""What a result prints of itself."""

from dataclasses import replace

from verify import Outcome, Verdict, verify


def test_a_result_prints_its_title_settings_and_verdict() -> None:
    result = verify("parabola", steps=2)
    title, settings, sentence = str(result).splitlines()
    assert (title, settings) == ("The minimum of a parabola", "SGD, lr 0.1, steps 2 (flag), float32")
    assert sentence == result.verdict.sentence
    assert sentence.startswith("agrees: all 6 numbers of 2 steps")


def test_its_representation_is_short() -> None:
    result = verify("parabola", steps=1)
    assert repr(result) == "<Result of parabola: agrees>"
    wrong = replace(result, verdict=Verdict(Outcome.DISAGREES, "disagrees: f"))
    assert repr(wrong) == "<Result of parabola: disagrees>"
