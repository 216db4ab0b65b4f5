"""What MLflow gets of a trial's costs: all under cost/, and what belongs to the network under model/, too."""

from __future__ import annotations

from dataclasses import replace

from ablate.catalogue.costs import COSTS
from ablate.store.mlflow_points import final_of
from tests.summary.rows import row


def test_the_whole_card_is_logged_and_what_is_counted_stands_under_model_too() -> None:
    found = final_of(replace(row("0001"), cost=dict.fromkeys(COSTS, 1.5)), [])
    assert {name for name in found if name.startswith("cost/")} == set(COSTS)
    counted = {name for name, cost in COSTS.items() if cost.known == "counted"}
    assert {name for name in found if name.startswith("model/")} == {n.replace("cost/", "model/") for n in counted}
    assert {"model/params", "model/flops", "model/macs", "model/activation_mib", "model/weights_int8_mib"} <= set(found)
