"""The metrics a study can name: what each measures, which way is better, and its source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One number that every epoch reports for the validation split."""

    name: str
    goal: str
    """maximize or minimize."""
    summary: str
    source: str
    bounds: tuple[float, float] = (0.0, 1.0)
    """Least and greatest value it can take: shares, all of them."""


_PAIRS = "balanced pairs of the split, cosine similarity"
RETRIEVAL = (
    Metric("recall_at_1", "maximize", "nearest other item has the query's class", "Jegou et al. 2011"),
    Metric("recall_at_5", "maximize", "one of the 5 nearest has the query's class", "Jegou et al. 2011"),
    Metric(
        "recall_at_10",
        "maximize",
        "one of the 10 nearest has the query's class; in protocol pairs, a liked book, each in turn, ranked 1 to 10 by its "
        "reader's others among the unread",
        "Jegou et al. 2011; leave one out, Rendle et al. 2009",
    ),
    Metric("r_precision", "maximize", "share of the query's class among its R nearest", "Musgrave et al. 2020"),
    Metric("map_at_r", "maximize", "mean average precision at R", "Musgrave et al. 2020 (arXiv:2003.08505)"),
)
PAIRS = (
    Metric("pair_accuracy", "maximize", f"{_PAIRS}; threshold chosen on validation", "Huang et al. 2007 (LFW)"),
    Metric("auc", "maximize", f"area under the ROC curve; {_PAIRS}", "Fawcett 2006"),
    Metric(
        "fpr", "minimize", f"different pairs called the same; {_PAIRS}; threshold chosen on validation", "Fawcett 2006"
    ),
    Metric("fnr", "minimize", f"same pairs called different; {_PAIRS}; threshold chosen on validation", "Fawcett 2006"),
    Metric("eer", "minimize", f"error where both error rates are equal; {_PAIRS}", "Martin et al. 1997"),
    Metric(
        "tpr_at_fpr_1e-3",
        "maximize",
        f"true positives at 0.1 % false ones, of under 1,000 different pairs at none; {_PAIRS}",
        "Huang et al. 2007 (LFW)",
    ),
)
TRIPLETS = (
    Metric(
        "triplet_accuracy",
        "maximize",
        "a triplet's positive is nearer to its anchor than its negative: the mean AUC of an anchor",
        "Schroff et al. 2015 (arXiv:1503.03832); Hanley & McNeil 1982",
    ),
)
ONE_SHOT = (
    Metric(
        "one_shot_accuracy",
        "maximize",
        "N-way K-shot episodes over all classes of the split",
        "Vinyals et al. 2016 (arXiv:1606.04080), Snell et al. 2017 (arXiv:1703.05175)",
    ),
)
RANKING = (
    RETRIEVAL[2],
    Metric(
        "ndcg_at_10",
        "maximize",
        "a liked book, each in turn, ranked by its reader's others among the unread: 1/log2(1 + rank) to rank 10",
        "Jarvelin & Kekalainen 2002; leave one out, Rendle et al. 2009",
    ),
)
"""Of held-out books, each in turn."""
METRICS = {metric.name: metric for metric in (*RETRIEVAL, *PAIRS, *TRIPLETS, *ONE_SHOT, *RANKING)}
PROTOCOLS = {
    "retrieval": (*RETRIEVAL, *PAIRS, *TRIPLETS),
    "verification": (*PAIRS, *TRIPLETS),
    "closed": (*RETRIEVAL, *PAIRS, *TRIPLETS),
    "one_shot": (*RETRIEVAL, *PAIRS, *TRIPLETS, *ONE_SHOT),
    "pairs": (*PAIRS, *RANKING),
}
"""Which metrics each protocol reports."""
ONE_SIDED = ("fpr", "fnr")
"""Best where no pair, or every pair, is called the same, as a useless network may have it: neither chooses an epoch."""
DEFAULT_METRICS = ("one_shot_accuracy", "recall_at_1", "auc")
"""The objective where a study names none: the first of these that its protocol reports."""
_OFFICIAL = (
    Metric(
        "official_accuracy",
        "maximize",
        "Omniglot's official one-shot task: 20 runs of 20 ways within an alphabet, 400 trials (protocol one_shot)",
        "Lake et al. 2015 (Science 350); people 0.955, a Siamese network 0.920 (Koch et al. 2015)",
    ),
)
OFFICIAL = {metric.name: metric for metric in _OFFICIAL}
"""Metrics of the test split alone, from images that a data set's makers have chosen: no objective."""
