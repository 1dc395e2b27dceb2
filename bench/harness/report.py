"""Shows results: a table for people, a JSON line a measurement, and the table of doc/performance.md."""
import json

from .measure import ratio, verdict

HEAD = ("what", "tally", "peer", "the peer's", "target", "reached", "tally / peer")
BEGIN = "<!-- from here on written by tools/bench --write-doc -->"
END = "<!-- to here -->"


def number(value):
	"""Three digits that count, never an exponent."""
	magnitude = abs(value)
	if magnitude >= 100:
		return f"{value:,.0f}"
	return f"{value:.1f}" if magnitude >= 10 else f"{value:.2f}" if magnitude >= 1 else f"{value:.3f}"


def value(row, result):
	"""A measured value with its unit, or why there is none."""
	if result.status != "measured":
		return result.status
	shown = f"{number(result.median)} {row.unit}"
	if row.parallel and result.cpu_over_wall is not None:
		shown += f" ({result.cpu_over_wall:.2f} CPUs)"
	return shown


def lines(row, results):
	"""The lines of a row, a tuple of cells each: first tally alone, then a line for each peer."""
	ours = results[0]
	if row.machine:
		yield (row.what, "", ours.entry.label, value(row, ours), "", "", "")
		return
	shown = (row.what, value(row, ours))
	for target in (t for t in row.targets if not t.peer):
		yield shown + ("", "", f"<= {target.limit:,g} {row.unit}", verdict(target, ours), "")
		shown = ("", "")
	targets = {t.peer: t for t in row.targets if t.peer}
	peers = results[1:]
	# What a target is set against comes first.
	for peer in sorted(peers, key=lambda p: p.entry.label not in targets):
		target = targets.get(peer.entry.label)
		multiple = ratio(ours, peer)
		yield shown + (peer.entry.label, peer.missing or value(row, peer),
			       f"<= {target.limit:g}" if target else "",
			       verdict(target, ours, peer) if target else "",
			       "" if multiple is None else number(multiple))
		shown = ("", "")
	if shown[0]:
		yield shown + ("", "", "", "", "")


def table(measured):
	"""The table as text; `measured` is a list of rows with their results."""
	cells = [HEAD] + [line for row, results in measured for line in lines(row, results)]
	widths = [max(len(line[i]) for line in cells) for i in range(len(HEAD))]
	rights = {len(HEAD) - 1}
	text = []
	for index, line in enumerate(cells):
		text.append("  ".join(cell.rjust(width) if i in rights else cell.ljust(width)
				      for i, (cell, width) in enumerate(zip(line, widths))).rstrip())
		if index == 0:
			text.append("-" * (sum(widths) + 2 * (len(widths) - 1)))
	return "\n".join(text)


def errors(measured):
	"""What failed, for the end of the output; each reason once, with the rows that it spoils."""
	reasons = {}
	for row, results in measured:
		for result in results:
			if result.error:
				reasons.setdefault(result.error, []).append(f"{row.name}/{result.entry.label}")
	return [f"{', '.join(names)}: {reason}" for reason, names in reasons.items()]


def measurements(measured):
	"""A dictionary for each measurement, as it stands in results.jsonl."""
	for row, results in measured:
		first = results[1].entry.label if len(results) > 1 else ""
		named = next((t.peer for t in row.targets if t.peer), first)
		peer = of(results, named)
		for result in results:
			line = {
				"name": f"{row.name}/{result.entry.label}", "unit": row.unit,
				"median": result.median, "min": result.least,
				"runs": len(result.samples), "discarded": len(result.discarded),
				"cpu_over_wall": result.cpu_over_wall, "peer": named or None,
				"ratio": ratio(result, peer) if peer else None, "status": result.status,
			}
			if result.missing or result.error:
				line["why"] = result.missing or result.error
			if result is results[0] and row.targets:
				line["targets"] = [{"peer": t.peer or None, "at_most": t.limit,
						    "reached": verdict(t, result, of(results, t.peer))}
						   for t in row.targets]
			yield line


def of(results, label):
	return next((r for r in results if r.entry.label == label), None) if label else None


def jsonl(measured):
	return "".join(json.dumps(line) + "\n" for line in measurements(measured))


def markdown(measured, machine):
	"""The generated part of doc/performance.md."""
	def cells(line):
		return "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"

	text = ["", *(f"- {line}" for line in machine), "", cells(HEAD), "|---|---|---|---|---|---|---:|"]
	text += [cells(line) for row, results in measured for line in lines(row, results)]
	missed = [(row, t, results) for row, results in measured for t in row.targets
		  if verdict(t, results[0], of(results, t.peer)) != "yes"]
	text += ["", "Targets not reached:" if missed else "All targets are reached."]
	if missed:
		text.append("")
	for row, target, results in missed:
		ours, peer = results[0], of(results, target.peer)
		have = ratio(ours, peer) if peer else ours.median
		unit = f"x {target.peer}" if target.peer else row.unit
		text.append(f"- {row.what}: {'not known' if have is None else number(have)} {unit}, "
			    f"not {target.limit:,g}" + ("" if verdict(target, ours, peer) == "no"
							 else f" ({verdict(target, ours, peer)})"))
	return "\n".join(text) + "\n\n"


def write_doc(path, measured, machine):
	"""Puts the generated part between its marks."""
	text = path.read_text()
	before, begin, rest = text.partition(BEGIN)
	_, end, after = rest.partition(END)
	if not begin or not end:
		raise ValueError(f"{path} lacks the marks of the generated part")
	path.write_text(before + BEGIN + "\n" + markdown(measured, machine) + END + after)
