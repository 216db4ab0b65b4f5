"""The Slurm script is bash, and gives `ray symmetric-run` only what the installed Ray knows."""

import re
import shlex
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "cluster" / "slurm.sh"
TEXT = SCRIPT.read_text().replace("\\\n", " ")


def test_the_script_is_bash_and_names_what_it_lacks() -> None:
    assert subprocess.run(["bash", "-n", SCRIPT], check=False).returncode == 0
    done = subprocess.run(["bash", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "name a study: sbatch" in done.stderr


def symmetric_run() -> list[str]:
    """The words between `ray symmetric-run` and what it runs."""
    (line,) = [line for line in TEXT.splitlines() if "ray symmetric-run --" in line]
    words = shlex.split(line)
    return words[words.index("symmetric-run") + 1 : words.index("--")]


def test_every_option_is_known_to_ray_and_none_is_forbidden() -> None:
    from ray.scripts.scripts import start
    from ray.scripts.symmetric_run import curate_and_validate_ray_start_args
    from ray.scripts.symmetric_run import symmetric_run as command

    given = [word.split("=")[0] for word in symmetric_run() if word.startswith("--")]
    own = {option for parameter in command.params for option in parameter.opts}
    of_start = {option for parameter in start.params for option in parameter.opts}
    assert {"--address", "--min-nodes", "--num-gpus"} <= set(given) <= own | of_start
    passed_on = curate_and_validate_ray_start_args(symmetric_run())
    assert [word.split("=")[0] for word in passed_on] == [option for option in given if option not in own]


def test_the_time_to_wait_for_nodes_is_a_variable_that_ray_reads() -> None:
    from ray.scripts import symmetric_run as module

    assert "RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT" in Path(module.__file__).read_text()
    waited = re.search(r"^export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=(\d+)", TEXT, flags=re.MULTILINE)
    assert waited and int(waited[1]) >= 300


def test_the_token_is_made_before_any_node_starts_and_only_its_owner_reads_it() -> None:
    made = TEXT.index("(umask 077; ray get-auth-token --generate > /dev/null)")
    assert TEXT.index("export RAY_AUTH_MODE=token") < made < TEXT.index("srun")


def test_the_nodes_are_the_jobs_alone_and_a_lost_one_does_not_end_it() -> None:
    """`ray symmetric-run` ends every Ray of the user on a node."""
    asked = set(re.findall(r"^#SBATCH (--[\w-]+)", TEXT, flags=re.MULTILINE))
    assert {"--exclusive", "--no-kill", "--requeue", "--ntasks-per-node", "--gpus-per-node"} <= asked
