"""A hundred ways to get a study file wrong: each is one fault, with the line it stands on and how to mend it."""

from __future__ import annotations

from itertools import combinations

import pytest

from tests.study.sound import TEXT, edited, faults_in

LOSS = "{triplet: {margin: 0.2}}"
DIM = "embedding_dim: 16"
ONE_FAULT = [
    # old, new, line, what is said, how to mend it
    # keys that nothing reads, at every level
    ("search:", "serach:", 12, "serach: nothing reads this key", "did you mean 'search'?"),
    ("study:", "stduy:", 1, "stduy: nothing reads this key", "did you mean 'study'?"),
    ("seed: 1", "sede: 1", 15, "sede: nothing reads this key", "did you mean 'seed'?"),
    ("seed: 1", "zzz: 1", 15, "zzz: nothing reads this key", "Known here: study, question"),
    ("seed: 1", "trials: 9", 15, "trials: nothing reads this key", "it is read at 'search.trials'"),
    ("seed: 1", "search.trials: 9", 15, "nothing reads this key", "write search: {trials: ...}"),
    ("seed: 1", "loss: triplet", 15, "loss: nothing reads this key", "it is read at 'space.loss'"),
    ("protocol:", "protcol:", 3, "data.protcol: nothing reads this key", "did you mean 'protocol'?"),
    ("{metric:", "{metrc:", 4, "objective.metrc: nothing reads this key", "did you mean 'metric'?"),
    ("backbone:", "bakcbone:", 6, "space.bakcbone: nothing reads this key", "did you mean 'backbone'?"),
    ("embedding_dim: 16", "lr: 0.1", 7, "space.lr: nothing reads this key", "it is read at 'space.optimizer.adam.lr'"),
    ("per_class:", "perclass:", 10, "space.batch.perclass: nothing reads this key", "did you mean 'per_class'?"),
    ("triplet:", "tripelt:", 8, "space.loss.tripelt: nothing reads this key", "did you mean 'triplet'?"),
    ("margin:", "margn:", 8, "space.loss.triplet.margn: nothing reads this key", "did you mean 'margin'?"),
    (
        "{lr: 1e-4}",
        "{momentum: 0.9}",
        9,
        "space.optimizer.adam.momentum: nothing reads",
        "Known here: lr, weight_decay",
    ),
    (
        "{margin: 0.2}",
        "{temperature: {uniform: [0, 1]}}",
        8,
        "triplet.temperature: nothing reads",
        "space.loss.info_nce",
    ),
    ("mlp", "{conv4: {depth: 3}}", 6, "space.backbone.conv4.depth: nothing reads", "Known here: nothing"),
    ("trials:", "trails:", 12, "search.trails: nothing reads this key", "did you mean 'trials'?"),
    ("asha:", "asah:", 12, "search.stopping.asah: nothing reads this key", "did you mean 'asha'?"),
    ("grace_epochs", "grace_epoch", 12, "asha.grace_epoch: nothing reads this key", "did you mean 'grace_epochs'?"),
    ("cpus", "cpu", 13, "resources.cpu: nothing reads this key", "did you mean 'cpus'?"),
    ("cost/flops", "cost/flop", 14, "constraints.cost/flop: nothing reads this key", "did you mean 'cost/flops'?"),
    ("max:", "maxx:", 14, "constraints.cost/flops.maxx: nothing reads this key", "did you mean 'max'?"),
    ("digits,", "digits, params: {x: 1},", 3, "data.params.x: digits reads no such key", "Known here: nothing"),
    # names
    (LOSS, "tripelt", 8, "space.loss: loss 'tripelt' is not registered", "did you mean 'triplet'?"),
    (LOSS, "zzz", 8, "loss 'zzz' is not registered", "Known: contrastive"),
    (LOSS, "{zzz: {margin: 1}}", 8, "loss 'zzz' is not registered", "Known: contrastive"),
    (LOSS, "[triplet,\n    contrastve]", 9, "loss 'contrastve' is not registered", "did you mean 'contrastive'?"),
    (LOSS, "[triplet, triplet]", 8, "space.loss: 'triplet' is named twice", "name each level once"),
    (LOSS, "[5]", 8, "space.loss: 5 names no loss", "Known: contrastive"),
    (LOSS, "[{triplet: {margin: 0.2}}]", 8, "in a list of names", "loss: {triplet: {margin: 0.2}, ...}"),
    (LOSS, "{choice: [triplet, circle]}", 8, "needs no `choice`", "write loss: [triplet, circle]"),
    (LOSS, "", 8, "space.loss: is empty", "write one or more of: contrastive"),
    (LOSS, "{}", 8, "space.loss: is empty", "write one or more of: contrastive"),
    (LOSS, "[]", 8, "space.loss: is empty", "write one or more of: contrastive"),
    (LOSS, "5", 8, "space.loss: 5 names no loss", "write one or more of: contrastive"),
    (LOSS, "{triplet: 0.2}", 8, "0.2 is no mapping of parameters", "write triplet: {margin: 0.2}"),
    ("  loss: {triplet: {margin: 0.2}}\n", "", 5, "space: there is no loss", "name one: contrastive"),
    ("mlp", "{conv4: 3}", 6, "3 is no mapping", "conv4 has no parameters: write conv4: {}"),
    ("digits", "digit", 3, "data set 'digit' is not registered", "did you mean 'digits'?"),
    (
        "closed",
        "open",
        3,
        "data.protocol: 'open' is not known here",
        "'retrieval', 'verification', 'closed', 'one_shot' or 'pairs'",
    ),
    ("{trials", "{algorithm: bayes, trials", 12, "'bayes' is not known here", "'tpe', 'random' or 'nsga2'"),
    ("{asha: {grace_epochs: 2}}", "ahsa", 12, "search.stopping: 'ahsa' is not known here", "write none, asha, or"),
    ("{asha: {grace_epochs: 2}}", "false", 12, "search.stopping: False is not known here", "write none, asha, or"),
    ("{asha: {grace_epochs: 2}}", "{}", 12, "search.stopping.asha: is missing", "add `asha:`"),
    # the objective
    ("val/auc", "val/acu", 4, "'val/acu' is not reported by protocol closed", "did you mean 'val/auc'?"),
    ("val/auc", "auc", 4, "'auc' is not reported by protocol closed", "did you mean 'val/auc'?"),
    ("val/auc", "train/loss", 4, "'train/loss' is not reported", "Known here: val/recall_at_1"),
    ("val/auc", "test/auc", 4, "test/auc is sealed until the search is over", "write val/auc"),
    ("val/auc", "test/acu", 4, "test/acu is sealed until the search is over", "did you mean 'val/auc'?"),
    ("val/auc}", "val/auc, goal: max}", 4, "objective.goal: 'max' is not known here", "'maximize' or 'minimize'"),
    ("val/auc}", "val/auc, goal: minimize}", 4, "auc is the better the larger it is", "write maximize"),
    ("val/auc}", "val/eer, goal: maximize}", 4, "eer is the better the smaller it is", "write minimize"),
    ("{metric: val/auc}", "val/auc", 4, "'val/auc' is not a mapping", "write objective: {metric: val/auc}"),
    # wrong types
    ("study: faces", "study: a/b", 1, "study: 'a/b' is no name", "use letters, digits"),
    ("study: faces", "study: ..", 1, "study: '..' is no name", "begin with a letter"),
    ("study: faces", 'study: "s\\n"', 1, "is no name", "use letters, digits"),
    ("study: faces", "study: 12", 1, "study: 12 is not text", 'put it in quotes: "12"'),
    ("study: faces", f"study: {'a' * 81}", 1, "is too long", "write at most 80 characters"),
    ("study: faces\n", "", 1, "study: is missing", "add `study:`"),
    ("question: Which one?", "question:", 2, "question: is empty", "or leave the key out"),
    ("question: Which one?", "question: [a]", 2, "question: [a] is not text", "write text"),
    ("digits,", "digits, image_size: 4,", 3, "data.image_size: 4 is too small", "write 8 or more"),
    ("digits,", "digits, image_size: 28.5,", 3, "28.5 is not a whole number", "Height and width in pixels"),
    ("digits,", "digits, val_fraction: 2,", 3, "data.val_fraction: 2 is too large", "write less than 1"),
    ("digits,", "digits, rotate_classes: 'yes',", 3, "'yes' is not true or false", "write true or false"),
    (
        "closed}\nobjective: {metric: val/auc}\nspace:\n",
        "closed, mirror_classes: true}\nobjective: {metric: val/auc}\nspace:\n  augmentation: [none, faces, flip]\n",
        3,
        "augmentation faces mirrors images: the same picture would be of two classes",
        "take faces and flip out of augmentation",
    ),
    ("digits,", "digits, params: [1],", 3, "data.params: [1] is not a mapping", "write a mapping"),
    ("{classes: 10, per_class: 4}", "64", 10, "space.batch: 64 is no mapping", "{classes: 16, per_class: 4}"),
    ("{classes: 10, per_class: 4}", "", 10, "space.batch: null is no mapping", "{classes: 16, per_class: 4}"),
    ("1e-4", "fast", 9, "space.optimizer.adam.lr: 'fast' is not a number", "write a number"),
    ("{trials: 5", "{trials: many", 12, "search.trials: 'many' is not a whole number", "How many configurations"),
    ("{trials: 5", "{trials: 5.0", 12, "search.trials: 5.0 is not a whole number", "write 5"),
    ("{trials: 5", "{trials: true", 12, "search.trials: true is not a whole number", "write a whole number"),
    ("{trials: 5", "{trials: 010", 12, "search.trials: '010' is not a whole number", "write a whole number"),
    ("{max: 5}", "5", 14, "constraints.cost/flops: 5 is not a mapping", "write cost/flops: {max: 5}"),
    ("{max: 5}", "{}", 14, "constraints.cost/flops: there is no bound", "write max or min"),
    ("{max: 5}", "{max: .nan}", 14, ".nan is not a finite number", "write a finite number"),
    ("{max: 5}", "{min: 7, max: 5}", 14, "nothing is at least 7 and at most 5", "swap min and max"),
    ("seed: 1", "seed: abc", 15, "seed: 'abc' is not a whole number", "write a whole number"),
    # impossible values
    ("embedding_dim: 16", "embedding_dim: 1", 7, "space.embedding_dim: 1 is too small", "write 2 or more"),
    ("0.2", "5", 8, "space.loss.triplet.margin: 5 leaves its bounds", "stay within 0 to 2"),
    ("0.2", "{uniform: [0, 5]}", 8, "{uniform: [0, 5]} leaves its bounds", "stay within 0 to 2"),
    ("0.2", "{uniform: [1, 0]}", 8, "the lower limit 1 is not below", "swap"),
    ("1e-4", "-1e-4", 9, "-0.0001 leaves its bounds", "stay within 1e-12 to 100"),
    ("1e-4", ".nan", 9, ".nan is no finite number", "write a finite number"),
    ("1e-4", "{log_uniform: [0, 1]}", 9, "the lower limit 0 has no logarithm", "above 0"),
    ("classes: 10", "classes: 5000", 10, "is 5000, but the training split has only 10 classes", "10 or less"),
    ("classes: 10", "classes: {int: [2, 99]}", 10, "is 99, but the training split has only 10", "10 or less"),
    ("classes: 10, ", "", 10, "is 16 by default, but the training split has only 10", "10 or less"),
    ("closed", "retrieval", 10, "is 10, but the training split has only 6 classes", "6 or less"),
    ("classes: 10", "classes: 1", 10, "space.batch.classes: 1 is too small", "write 2 or more"),
    ("per_class: 4", "per_class: 1", 10, "space.batch.per_class: 1 is too small", "write 2 or more"),
    (" epochs: 10", " epochs: 0", 11, "space.epochs: 0 is too small", "write 1 or more"),
    (" epochs: 10", " epochs: [5, 10]", 11, "epochs are the same for every trial", "one whole number"),
    (" epochs: 10", " epochs: 1e99", 11, "is not a whole number", "write"),
    (" epochs: 10", f" epochs: {10**21}", 11, "is too large", "write 1000000 or less"),
    ("{trials: 5", "{trials: 0", 12, "search.trials: 0 is too small", "write 1 or more"),
    ("grace_epochs: 2", "grace_epochs: 0", 12, "grace_epochs: 0 is too small", "write 1 or more"),
    ("grace_epochs: 2", "grace_epochs: 50", 12, "grace_epochs is 50, but trials end at epoch 10", "write 9 or less"),
    ("grace_epochs: 2", "grace_epochs: 10", 12, "it would stop nobody", "write 9 or less, or leave stopping out"),
    ("grace_epochs: 2", "reduction_factor: 1", 12, "reduction_factor: 1 is too small", "write 2 or more"),
    ("cpus: 1", "gpus: 2", 13, "resources.gpus: 2 is more than one GPU", "a fraction such as 0.5"),
    ("cpus: 1", "workers: 0", 13, "resources.workers: 0 is too small", "write 1 or more"),
    ("cpus: 1", "workers: 3", 13, "a batch of 10 x 4 images is not divisible among 3 workers", "a multiple of 3"),
    ("cpus: 1", "gpus: atuo", 13, "resources.gpus: 'atuo' is no number", "write a number, or auto"),
    ("cpus: 1", "gpus: -1", 13, "resources.gpus: -1 is too small", "write 0 or more, or auto"),
    ("cpus: 1", "gpus: ", 13, "resources.gpus: nothing is no number", "write a number, or auto"),
    ("cpus: 1", "workers: 2, gpus: auto", 13, "2 workers cannot share GPUs", "write gpus: 1, or workers: 1"),
    ("cpus: 1", "workers: 2, gpus: 0.5", 13, "2 workers cannot share GPUs", "write gpus: 1, or workers: 1"),
    ("seed: 1", "seed: -1", 15, "seed: -1 is too small", "write 0 or more"),
    ("seed: 1", "seed: 1\nseed: 2", 16, "seed stands here a second time", "remove one of the two"),
    ("digits", "omniglot", 3, "data.protocol: protocol 'closed' tests on the classes it trained on", "use protocol"),
    # what came later; here, because every third of this list is tried in pairs
    ("mlp", "{mlp: {batch_norm: 0}}", 6, "mlp.batch_norm: 0 is not true or false", "write true or false"),
    (DIM, "augmentation: shfit", 7, "augmentation 'shfit' is not registered", "did you mean 'shift'?"),
    (DIM, "augmentation:", 7, "space.augmentation: is empty", "write one or more of: none, flip"),
    (
        DIM,
        "augmentation: {flip: {fraction: 1}}",
        7,
        "flip.fraction: nothing reads",
        "space.augmentation.shift.fraction",
    ),
    (DIM, "augmentation: {shift: {fraction: 0.6}}", 7, "fraction: 0.6 leaves its bounds", "within 0 to 0.5"),
    (DIM, "normalize: 1", 7, "space.normalize: 1 is not true or false", "write true or false"),
    (DIM, "normalize: [true, true]", 7, "names a value twice", "name each value once"),
    (DIM, "normalize:", 7, "space.normalize: is empty", "write true or false"),
    (
        DIM,
        "normalize: false\n  sampler: distance_weighted",
        7,
        "distance_weighted needs length 1",
        "write true, or take distance_weighted out",
    ),
    (
        DIM,
        "sampler: [hard, distance_weighted]\n  normalize: [true, false]",
        8,
        "leaves embeddings of any length",
        "write true",
    ),
    (LOSS, "arcface\n  normalize: false", 9, "loss arcface needs length 1", "write true, or take arcface out"),
    (
        LOSS,
        "[triplet, proxy_anchor]\n  sampler: [random, hard]",
        9,
        "loss proxy_anchor compares embeddings with class weights that it learns",
        "write random, or take proxy_anchor out of space.loss",
    ),
    (LOSS, "n_pairs\n  sampler: hard", 9, "loss n_pairs makes its tuples of the whole batch", "write random"),
    (DIM, "schedule: {cosine: {warmup: 11}}", 7, "cosine warms up for 11 epochs, but there are 10", "to 10 or less"),
    (DIM, "clip_norm: -1", 7, "space.clip_norm: -1 leaves its bounds", "stay within 0 to"),
    (DIM, "precision: fp16", 7, "space.precision: 'fp16' is not known here", "write one of: auto, fp32, bf16"),
    (DIM, "precision: [fp32, half]", 7, "space.precision: 'half' is not known here", "write one of: auto, fp32, bf16"),
    (DIM, "views: [one, two]", 7, "space.views: 'two' is not known here", "write one of: one, mirror, turns"),
    (DIM, "precision: 16", 7, "space.precision: 16 is not", "write"),
    (DIM, "clip_norm: true", 7, "space.clip_norm: true is not a number", "write a number"),
    (DIM, "schedule: {one_cycle: {warmup: 1}}", 7, "one_cycle.warmup: nothing reads", "Known here: rise"),
    (DIM, "image_size: small", 7, "space.image_size: 'small' is not a whole number", "write a whole number"),
    (DIM, "image_size: 4", 7, "space.image_size: 4 is too small", "write 8 or more"),
    (DIM, "image_size: [8, 600]", 7, "space.image_size: [8, 600] is too large", "write 512 or less"),
    (DIM, "image_size: {int: [8, 16]}", 7, "is a range, but each size is decoded", "write [first, second, ...]"),
    (
        "closed}\nobjective: {metric: val/auc}\nspace:\n",
        "closed, image_size: 8}\nobjective: {metric: val/auc}\nspace:\n  image_size: [8, 12]\n",
        6,
        "space.image_size: data.image_size gives a size too (f.yaml:3)",
        "remove one of the two",
    ),
    ("closed", "closed, ways: 5", 3, "data.ways: only protocol one_shot reads it", "or remove ways"),
    ("closed", "closed, shots: 2", 3, "data.shots: only protocol one_shot reads it", "write protocol: one_shot"),
]


@pytest.mark.parametrize(("old", "new", "line", "what", "mend"), ONE_FAULT)
def test_one_mistake_is_one_fault_with_its_line_and_its_mend(
    old: str, new: str, line: int, what: str, mend: str
) -> None:
    faults = faults_in(edited((old, new)))
    assert len(faults) == 1, faults
    assert faults[0].where == f"f.yaml:{line}", faults[0]
    assert what in faults[0].what and mend in faults[0].mend, faults[0]


def test_no_mistake_hides_another() -> None:
    """Every third of the mistakes, two at a time: both are told, but for those that need the other's value to be seen."""
    need_two_keys = (
        "only 10 classes",
        "only 6 classes",
        "it would stop nobody",
        "reported by protocol",
        "on the classes",
        "not divisible among",
    )
    mistakes = [case for case in ONE_FAULT if "\n" not in case[0] + case[1]][::3]
    pairs = [(a, b) for a, b in combinations(mistakes, 2) if TEXT.replace(a[0], a[1]).count(b[0]) == 1]
    assert len(pairs) > 300
    hidden = []
    for one, other in pairs:
        told = "\n".join(map(str, faults_in(edited(one[:2], other[:2]))))
        hidden += [(case[3], one[1], other[1]) for case in (one, other) if case[3] not in told]
    assert [case for case in hidden if not any(words in case[0] for words in need_two_keys)] == []
