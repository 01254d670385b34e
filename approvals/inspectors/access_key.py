"""Looks at one access key of IAM before it is disabled or enabled. IAM has no dry run for it."""

from typing import Any

from botocore.exceptions import ClientError

from approvals.inspectors.aws import account_seen, ask, code_of, environment_of, fingerprints, listed, tags_of, team_of
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.inspectors.trail import Trail

GONE = "NoSuchEntity"
MOST_PAGES = 20


class AccessKeyInspector(Trail):
    """`clients` gives an IAM client; its credential should be able to list users' keys and tags, and nothing else."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition: the key is the user's, in this account, in the state from which the change leads, and
        not the one with which Spendgate itself speaks to AWS."""
        account = account_seen(self._clients, change)
        if account != change.account:
            return NotSealable(f"the worker sees account {account}, not {change.account}", "other_account")
        found = self._found(change)
        if found is None:
            return NotSealable(f"user {change.user} has no access key {change.key_id}", "not_found")
        fields, tags = found
        if self._clients(change.account, change.region, "iam")._request_signer._credentials.access_key == change.key_id:
            return NotSealable("it is the key with which Spendgate itself speaks to AWS", "own_key", fields)
        for name, wanted in change.starts_from().items():
            if fields[name] != wanted:
                told = f"{change.key_id} is {fields[name]}, and only one that is {wanted} can be changed so"
                return NotSealable(told, "wrong_state", fields)
        used = "was never used" if fields["last_used_at"] == "never" else f"was last used on {fields['last_used_at']}"
        radius = (f"{change.resource}: whoever holds the key of {change.user}; it {used}",)
        return Snapshot(
            fields, name=change.user, environment=environment_of(tags), team=team_of(tags), blast_radius=radius
        )

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; `{"status": "gone"}` for a key or a user that is no longer there."""
        account = account_seen(self._clients, change)
        if account != change.account:
            raise CannotLook(f"the worker sees account {account}, not {change.account}")
        found = self._found(change)
        return {"status": "gone"} if found is None else found[0]

    def _found(self, change: Any) -> tuple[dict[str, Any], dict[str, str]] | None:
        client = self._clients(change.account, change.region, "iam")
        try:
            keys = _all(client.list_access_keys, "AccessKeyMetadata", UserName=change.user)
            mine = next((one for one in keys if one["AccessKeyId"] == change.key_id), None)
            if mine is None:
                return None
            used = ask(client.get_access_key_last_used, AccessKeyId=change.key_id)
            tags = tags_of({"Tags": _all(client.list_user_tags, "Tags", UserName=change.user)})
        except ClientError as error:
            if code_of(error) == GONE:
                return None
            raise CannotLook(code_of(error)) from error
        last = used["AccessKeyLastUsed"].get("LastUsedDate")
        fields = {
            "account": change.account,
            "user": mine["UserName"],
            "key_id": mine["AccessKeyId"],
            "status": mine["Status"],
            "created_at": mine["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "last_used_at": last.strftime("%Y-%m-%dT%H:%M:%SZ") if last else "never",
            "tags": fingerprints(tags),
        }
        return fields, tags


def _all(call: Any, key: str, **asked: Any) -> list[dict[str, Any]]:
    """Every page of a list; CannotLook for one that does not end."""
    found: list[dict[str, Any]] = []
    for _ in range(MOST_PAGES):
        answer = ask(call, **asked)
        found += listed(answer, key)
        if not answer.get("IsTruncated"):
            return found
        asked["Marker"] = answer["Marker"]
    raise CannotLook("the list does not end")
