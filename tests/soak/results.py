"""Records of networks counted, printed and written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

DONE, REFUSED, LEFT_OUT, FAILED = OUTCOMES = ("done", "refused", "left out", "failed")


def reason(said: str) -> str:
    """A sentence without the names and numbers of one network, so that equal ones are counted."""
    line = " ".join(said.split())
    line = re.sub(r"^Layer '[^']+' ", "Layer ", line)
    # names of populations and relays
    line = re.sub(r"'[^']*'", "'...'", line)
    line = re.sub(r"\d[\d,.]*(e[-+]?\d+)?", "N", line)
    line = re.sub(r"says check_support: - .*? (?=(has|is|feeds|have|takes|reads|are|sends)\b)",
                  "says check_support: ", line)  # fmt: skip
    return line if len(line) <= 160 else line[:156].rsplit(" ", 1)[0] + " ..."


def summary(records: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What a run found.

    Returns
    -------
    dict
        ``networks`` and ``seconds`` of each kind; ``checks``, by kind and check the number of each
        outcome; ``reasons`` of refusals and of what was left out; ``failures``, each with
        its seed.
    """
    networks: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    checks: dict[str, dict[str, Counter[str]]] = {}
    reasons: dict[str, Counter[str]] = {REFUSED: Counter(), LEFT_OUT: Counter()}
    failures = []
    for record in records:
        kind = record["kind"]
        networks[kind] += 1
        seconds[kind] += record["seconds"]
        seen: set[tuple[str, str]] = set()
        for name, found in record["checks"].items():
            outcome = found["outcome"]
            checks.setdefault(kind, {}).setdefault(name, Counter())[outcome] += 1
            if outcome in reasons:
                key = (outcome, reason(found["said"]))
                if key not in seen:  # one network gives one reason once
                    reasons[outcome][key[1]] += 1
                seen.add(key)
            elif outcome == FAILED:
                failures.append({
                    "seed": record["seed"], "kind": kind, "check": name,
                    "network": record["network"], **found,
                })  # fmt: skip
    return {
        "n_networks": sum(networks.values()),
        "networks": dict(networks),
        "seconds": {kind: round(value, 1) for kind, value in seconds.items()},
        "checks": {kind: {name: {o: n[o] for o in OUTCOMES} for name, n in of.items()}
                   for kind, of in checks.items()},
        "reasons": {outcome: dict(counts.most_common()) for outcome, counts in reasons.items()},
        "failures": failures,
    }  # fmt: skip


def printed(found: dict[str, Any]) -> str:
    """The table by kind and check, reasons, and failures."""
    width = max((len(name) for of in found["checks"].values() for name in of), default=5)
    lines = [f"{'':{width}}  {'done':>6} {'refused':>8} {'left out':>9} {'failed':>7}"]
    for kind, of in found["checks"].items():
        n, mean = found["networks"][kind], found["seconds"][kind] / found["networks"][kind]
        lines.append(f"{kind}: {n} networks, {mean:.1f} s each")
        lines += [
            f"  {name:{width - 2}}  {c[DONE]:6} {c[REFUSED]:8} {c[LEFT_OUT]:9} {c[FAILED]:7}"
            for name, c in of.items()
        ]
    for outcome, counts in found["reasons"].items():
        if counts:
            lines += ["", f"{outcome.capitalize()}, networks by reason"]
            lines += [f"  {n:4}  {words}" for words, n in counts.items()]
    for failure in found["failures"]:
        said = " ".join(failure["said"].split())[:600]
        lines += ["", f"FAILED seed {failure['seed']} ({failure['kind']}), {failure['check']}: "
                      f"{said}", f"  {failure['network']}"]  # fmt: skip
    lines += ["", f"{found['n_networks']} networks, {len(found['failures'])} failures."]
    return "\n".join(lines)
