"""The findings of an audit, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from avfbel.published.printed import FUSED_CUT, SOUND_CUT, printed
from avfbel.published.report import number, table


def audit_text(found: Mapping[str, Any]) -> str:
    """Return the findings of `audit` as Markdown."""
    return "\n\n".join(
        (
            "# Audit of the published results",
            "Everything below is computed from the released ratings, features and weights by the released "
            "formulas; nothing is trained. Similarity is in percent, everything else has no unit.",
            _headline_text(found["headline"]),
            _similarity_text(found["similarity"]),
            _cells_text(found["cells"]),
            _leak_text(found["leak"]),
            _copies_text(found["copies"]),
            _contradictions_text(found["contradictions"]),
            _unseen_text(found["headline"], found["weights"]),
        )
    )


def _headline_text(h: Mapping[str, Any]) -> str:
    rows = [
        ("with the ratings", h["similarity"]),
        ("with the ratings shuffled among the pairs", h["ratings_shuffled"]),
        ("with every rating 0", h["ratings_all_zero"]),
        ("with every rating 1", h["ratings_all_one"]),
        ("with clean visual parameters in place of the released features", h["without_leak"]),
    ]
    low, high = h["output_range"]
    return (
        f"## The headline\n\nThe average similarity of AVF-BEL, printed as "
        f"{number(printed()['table2']['avf-bel']['similarity'])} %, "
        f"comes out of the released fused weights on {h['n']} pairs of a stimulus and a participant:\n\n"
        + table(("similarity, %", "value"), [(what, number(value)) for what, value in rows])
        + f"\n\nOn the same {h['n']} pairs the correlation of output and rating is **r = "
        f"{number(h['r'], 3)}**, "
        f"and R² = {number(h['r2'])} (output min–max normalised, against the mean of the ratings): "
        "worse than always saying the mean.\n\n"
        f"The output runs from {number(low, 1)} to {number(high, 1)}, the ratings from "
        f"{number(h['target_range'][0])} to {number(h['target_range'][1])}, and the output is above the "
        f"rating "
        f"in {h['output_above_rating']} of {h['n']} pairs. Where it always is, the absolute difference "
        f"loses its "
        "bars, and only the *mean* of the ratings is left in the formula: it cannot matter which rating "
        "belongs "
        "to which pair. That is why shuffling changes nothing."
    )


def _similarity_text(s: Mapping[str, float]) -> str:
    names = {
        "perfect": "the rating itself (a perfect answer)",
        "off_by_a_quarter": "the rating + a quarter of its range",
        "off_by_a_half": "the rating + half of its range",
        "off_by_the_range": "the rating + its whole range",
        "reversed": "1 − the rating (a reversed answer)",
        "negated": "− the rating (a negated answer)",
        "constant": "the mean rating, always (a constant)",
    }
    return (
        "## The similarity rewards error\n\nSimilarity = 100·exp(−mean(1 − |E − t| / (max E − min E))). The "
        "distance is subtracted from 1 inside the exponential, so that the value grows with the error:\n\n"
        + table(("answer", "similarity, %"), [(text, number(s[name])) for name, text in names.items()])
        + f"\n\nA perfect answer has {number(s['perfect'])} % (100/e), the least there can be; the "
        f"further off, "
        "the higher. A constant divides by zero. A value of this measure says nothing about agreement, "
        "and values of two models cannot be ranked by it."
    )


def _cells_text(c: Mapping[str, Any]) -> str:
    paper = printed()["table2"]
    names = ("precision", "recall", "f1")
    rows = [
        (
            f"{model}, {'F1' if what == 'f1' else what}",
            number(paper[key]["similarity" if what == "similarity" else what]),
            number(c[key][what]),
        )
        for key, model in (("m-bel", "M-BEL"), ("avf-bel", "AVF-BEL"))
        for what in (*names, "similarity")
    ]
    agree = sum(shown == computed for _, shown, computed in rows)
    own, everything = c["avf-bel, own target as labels"], c["all positive"]
    others = c["other weights"]
    matches = [
        (
            f"{hit['row'].upper()}: {hit['output']}",
            f"{hit['labels']}",
            number(hit["cut"]),
        )
        for hit in c["search"]["found"]
    ]
    return (
        f"## Cells of Table 2\n\n{agree} cells come out to the printed digits:\n\n"
        + table(("cell", "printed", "recomputed"), rows)
        + f"\n\n* M-BEL: music weights on `pitch_mean` and `tonnetz_mean`; output and ratings of music "
        f"min–max "
        f"normalised and cut at {number(SOUND_CUT)}. Its similarity is "
        f"{number(c['m-bel']['similarity'])}; the "
        f"table prints {number(paper['m-bel']['similarity'])}, the text "
        f"{number(printed()['text_similarity']['m-bel'])}: neither, though the text is off by one last "
        f"digit.\n"
        f"* AVF-BEL: fused weights; the cut is {number(FUSED_CUT)} and the labels are the ratings of *music "
        "alone*, although the output is that of sound and film and its similarity is taken against "
        "0.25 · music + 0.75 · animation. With that target as labels the same cut gives "
        f"{number(own['precision'])} / {number(own['recall'])} / {number(own['f1'])}. "
        f"Calling every case positive has an F1 of {number(everything['f1'], 3)}, more than the printed "
        f"{number(paper['avf-bel']['f1'])}.\n"
        f"* BEL(m), BEL(a) and A-BEL: no released file gives their rows. The nearest weights give "
        f"similarities "
        f"of {number(others['music-rnn, sound'])} (music-rnn on sound; BEL(m) is printed as "
        f"{number(paper['bel-m']['similarity'])}) and {number(others['animation, film'])} (animation on "
        f"film, "
        f"{number(others['animation, clean film'])} with clean parameters; A-BEL is printed as "
        f"{number(paper['a-bel']['similarity'])}).\n\n"
        f"How much is a match worth? Five outputs, three sets of labels and {c['search']['cuts']} cuts make "
        f"{c['search']['tried']} rows of precision, recall and F1; these are the ones within 0.005 of a "
        f"printed "
        "row:\n\n"
        + table(("row: output", "labels", "cut"), matches)
        + "\n\nA match found with the cut left free is weak evidence: precision and recall change little "
        "from cut "
        "to cut, and five rows are there to be met. The rows of M-BEL and AVF-BEL are counted since their "
        "weights "
        "also give, or all but give, the printed similarity. A row of A-BEL met by the *fused* weights "
        "and the "
        "labels of *music* has no such support, and is not counted."
    )


def _leak_text(k: Mapping[str, Any]) -> str:
    f = k["fused_without"]
    return (
        "## The released visual features contain the answer\n\nEach released visual feature of a film is the "
        "stimulus' parameter + EPP_0/10, where EPP_0 = Σ k·E_k / 15 is what the participant answered to that "
        "film. The released visual table is not part of the data folder, which holds the clean "
        "parameters; here "
        "the features are put together by that formula, and it is shown what it implies.\n\n"
        f"* The headline of {number(k['similarity_with'])} comes out with the sum and not with the clean "
        f"parameters ({number(k['similarity_without'])}), so that the sum is what the released weights "
        f"were run on.\n"
        "* Within a stimulus the parameter is constant (largest deviation "
        f"{number(k['clean_spread_within_stimulus'], 1)}), so that whatever differs between its clips is "
        f"the answer: "
        f"the correlation with it is {number(k['r_within_stimulus'], 3)}. Subtracting the parameter gives "
        f"the "
        f"answer back to {_power_above(k['largest_error_of_recovered_rating'])} of its unit.\n"
        f"* With clean parameters the AVF-BEL row becomes {number(f['precision'])} / {number(f['recall'])} / "
        f"{number(f['f1'])}: the released model makes next to nothing of the answer it was given, because "
        f"the raw "
        "parameters, up to some hundreds, drown it. A model that standardises its inputs would not be so "
        "lucky: the "
        "features must be cleaned before any use."
    )


def _copies_text(c: Mapping[str, Any]) -> str:
    (low, high), (low10, high10) = c["r_interval"], c["r_interval_of_ten_copies"]
    return (
        '## "Expanded" tables\n\nThe expanded tables, ten exact copies of the 760 rows, are not part of '
        "the data "
        f"folder either. The data at hand have {c['rows']} rows, {c['different_pairs']} different pairs and "
        f"{c['different_feature_rows']} different rows of acoustic features: nothing is repeated, and a "
        f"table of ten "
        "times as many rows holds nothing more. Ten copies leave similarity "
        f"({number(c['similarity_of_ten_copies'])}) and r ({number(c['r_of_ten_copies'], 3)}) where they "
        f"were, "
        "put copies of a row on both sides of any random split, and make intervals look √10 times too "
        "narrow: that of "
        f"r would shrink from [{number(low, 3)}, {number(high, 3)}] to [{number(low10, 3)}, "
        f"{number(high10, 3)}]."
    )


def _contradictions_text(c: Mapping[str, Any]) -> str:
    rows = [
        (f"similarity of {model.upper()}", f"{number(of['table'])} %", f"{number(of['text'])} %")
        for model, of in c["similarity"].items()
    ]
    same = ", ".join(model.upper().replace("-A", "(a)") for model in c["a_bel_text_is_table_of"])
    n = c["parameters"]["visual_cortex"]
    return (
        "## Where the paper contradicts itself\n\n"
        + table(("", "table", "text"), rows)
        + f"\n\nThe similarity that the text gives to A-BEL is the one the table gives to {same}. "
        f'Table 1 has "{c["parameters"]["table1"]}" parameters; the four areas of the visual cortex that the '
        f"paper prints (5 → 64 → 128 → 256 → 512 channels, kernels of 7 and 3) have {n:,}, {n / 1e6:.2f} "
        f"million. "
        "The text calls precision accuracy, and a similarity that falls with agreement the average "
        "Euclidean distance."
    )


def _unseen_text(h: Mapping[str, Any], weights: Mapping[str, Any]) -> str:
    of_all = [of["learning_rate"] for of in weights.values()]
    span = math.floor(math.log10(max(of_all) / min(of_all)))
    rates = ", ".join(f"{name} {of['learning_rate']:g}" for name, of in weights.items())
    return (
        "## What cannot be shown from data and weights\n\n"
        "* That training stops with an error, that outputs of visual cortex, auditory cortex and fusion "
        "are computed and "
        "never used, that rows are shifted between inputs and targets: these are facts of the released "
        "program, which is "
        "neither part of this package nor run here. What the data do show is that the printed numbers "
        "come out of "
        "*two raw columns a modality and eight weights*, without any of those modules.\n"
        f"* A reported accuracy of 100 % that compares signs: normalised output and ratings are never "
        f"negative, so that "
        f"their signs agree in {100 * h['same_sign']:.0f} % of the pairs whatever the model says.\n"
        f"* How the weights were trained. Their learning rates ({rates}) span {span:.0f} powers of ten."
    )


def _power_above(error: float) -> str:
    """Return the power of ten just above an error, which hardly depends on the machine."""
    return f"1e{math.ceil(math.log10(error)):d}" if error > 0 else "0"
