"""`spendgate audit …`: the log listed, shown, verified, proven."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli_options import As, Json, moment
from app.cli_privacy import add_to

MOST = 2**53

audit_app = typer.Typer(help="The action log: list, show, verify.", no_args_is_help=True, rich_markup_mode=None)
add_to(audit_app)


@audit_app.command("list")
def audit_list(
    proposal: Annotated[str | None, typer.Option(help="Only this proposal's entries.")] = None,
    event: Annotated[str | None, typer.Option(help="Only this kind, for example vote.refused.")] = None,
    after: Annotated[int, typer.Option(min=0, max=MOST, help="Only entries after this number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="At most so many.")] = 100,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Entries of the log, oldest first."""
    from app.commands import audit

    audit.list_entries(proposal=proposal, event=event, after=after, limit=limit, person=person, as_json=as_json)


@audit_app.command("show")
def audit_show(
    entry: Annotated[int, typer.Argument(min=1, max=MOST)], person: As = None, as_json: Json = False
) -> None:
    """One entry, whole."""
    from app.commands import audit

    audit.show(entry, person=person, as_json=as_json)


@audit_app.command("verify")
def audit_verify(
    head: Annotated[
        str | None, typer.Option(help="A head you kept (number:hash); it must still be in the log.")
    ] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A file with a checkpoint you kept; repeat for more.")
    ] = None,
    key: Annotated[list[str] | None, typer.Option(help="The log's public key, as you were given it.")] = None,
    entry: Annotated[int | None, typer.Option(min=1, max=MOST, help="Only this entry.")] = None,
    first: Annotated[int | None, typer.Option("--from", min=1, max=MOST, help="Only from this entry on.")] = None,
    last: Annotated[int | None, typer.Option("--to", min=1, max=MOST, help="Only up to this entry.")] = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Recompute every hash and the tree; names the first bad entry. Exit code 7 if there is one."""
    if entry is None and first is None and last is None:
        from app.commands import audit

        audit.verify_log(head=head, checkpoints=checkpoint or [], keys=key or [], as_json=as_json)
        return
    if head or checkpoint or key or (entry is not None and (first or last)):
        raise typer.BadParameter("a part of the log is named by --entry, or by --from and --to, and by nothing else")
    from app.commands import audit_proofs

    audit_proofs.verify_entries(entry or first or 1, entry or last, person=person, as_json=as_json)


@audit_app.command("prove")
def audit_prove(
    entry: Annotated[int, typer.Argument(min=1, max=MOST)],
    out: Annotated[Path | None, typer.Option(help="Write it there (a new file, best named *.tlog-proof).")] = None,
    with_entry: Annotated[bool, typer.Option("--with-entry", help="Put the entry's bytes into it.")] = False,
    person: As = None,
) -> None:
    """The proof that an entry is in the signed log (C2SP tlog-proof)."""
    from app.commands import audit_proofs

    audit_proofs.prove_entry(entry, out=out, with_entry=with_entry, person=person)


@audit_app.command("consistency")
def audit_consistency(
    size1: Annotated[int, typer.Argument(min=1, max=MOST, help="The smaller number of entries.")],
    size2: Annotated[int | None, typer.Argument(min=1, max=MOST, help="The larger; by default all signed.")] = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """The proof that the log only grew between two sizes (RFC 9162)."""
    from app.commands import audit_proofs

    audit_proofs.show_consistency(size1, size2, as_json=as_json, person=person)


@audit_app.command("status")
def audit_status(as_json: Json = False) -> None:
    """How far the log is signed, and by which key. Exit code 7 if the signer is behind for over a minute."""
    from app.commands import audit_proofs

    audit_proofs.show_status(as_json=as_json)


@audit_app.command("key")
def audit_key() -> None:
    """The log's public keys, oldest first, to give to whoever will verify."""
    from app.commands import audit_proofs

    audit_proofs.show_keys()


@audit_app.command("restored")
def audit_restored(
    checkpoint: Annotated[Path, typer.Option(help="The newest checkpoint that was signed before (a file).")],
    reason: Annotated[str, typer.Option(help="Why a backup was restored.")],
    key: Annotated[list[str] | None, typer.Option(help="The log's public key, if the log lost it too.")] = None,
    person: As = None,
) -> None:
    """Tell the log that a backup was restored: which head was lost, which was kept. For an auditor."""
    from app.commands import audit_proofs

    audit_proofs.tell_of_restore(checkpoint, keys=key or [], reason=reason, person=person)


@audit_app.command("link")
def audit_link(person: As = None) -> None:
    """An address, valid for eight hours, at which you may read the log in a browser."""
    from app.commands import audit

    audit.link(person=person)


@audit_app.command("pack")
def audit_pack(
    out: Annotated[Path, typer.Option(help="The zip file to write; it must not be there yet.")],
    first: Annotated[int, typer.Option("--from", min=1, max=MOST, help="From this entry on.")] = 1,
    last: Annotated[int | None, typer.Option("--to", min=1, max=MOST, help="Up to this entry.")] = None,
    proposal: Annotated[str | None, typer.Option(help="Only this proposal's entries.")] = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """An evidence pack for somebody outside, with the program that checks it."""
    from app.commands import audit_pack as command

    command.pack(out=out, first=first, last=last, proposal=proposal, person=person, as_json=as_json)


@audit_app.command("export")
def audit_export(
    form: Annotated[Literal["jsonl", "csv", "ocsf"], typer.Option("--format", help="How to write.")],
    first: Annotated[int, typer.Option("--from", min=1, max=MOST, help="From this entry on.")] = 1,
    last: Annotated[int | None, typer.Option("--to", min=1, max=MOST, help="Up to this entry.")] = None,
    out: Annotated[Path | None, typer.Option(help="The file to write; by default stdout.")] = None,
    person: As = None,
) -> None:
    """Entries for other programs: JSON lines, CSV, or OCSF for a SIEM. Evidence is `audit pack`."""
    from app.commands import audit_export as command

    command.run(form=form, first=first, last=last, out=out, person=person)


@audit_app.command("population")
def audit_population(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CloudTrail's files, or folders of them.")],
    role: Annotated[
        list[str] | None, typer.Option("--role", metavar="ARN", help="The worker's role or user; repeat for several.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="2026-11-01 or 2026-11-01T00:00:00Z; else all.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Up to before this; else a quarter of an hour ago.")
    ] = None,
    skew: Annotated[int, typer.Option(min=0, max=86_400, help="Seconds by which the clocks may differ.")] = 60,
    settle: Annotated[
        int, typer.Option(min=0, max=86_400, help="Seconds for which an unanswered request may still take effect.")
    ] = 600,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Every change in CloudTrail against every executed proposal, both ways. Exit code 7 for any finding."""
    from app.commands import audit_population as command

    command.run(
        files, roles=role or [], since=moment(since), to=moment(to), skew=skew, settle=settle, person=person,
        as_json=as_json,
    )  # fmt: skip


@audit_app.command("witnesses")
def audit_witnesses(
    file: Annotated[str | None, typer.Option(help="The witness file; else as the signer's settings name it.")] = None,
    bucket: Annotated[str | None, typer.Option(help="The bucket, s3://bucket/prefix.")] = None,
    url: Annotated[str | None, typer.Option(help="The address of a witness that cosigns.")] = None,
    witness_key: Annotated[str | None, typer.Option(metavar="VKEY", help="Its key, with --url.")] = None,
    key: Annotated[
        list[str] | None, typer.Option(metavar="VKEY", help="The log's key; by default those that the log tells of.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hold the log against everything that its witnesses know. Exit code 7 where one contradicts it."""
    from app.commands import audit_witnesses as command

    command.run(file=file, bucket=bucket, url=url, witness_key=witness_key, keys=key or [], as_json=as_json)
