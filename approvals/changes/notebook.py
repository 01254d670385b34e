"""Stopping and starting one SageMaker notebook instance."""

from typing import ClassVar, Literal

from approvals.changes.names import NotebookName, Placed
from approvals.changes.step import Request, ReversibilityClass, Step


class OnNotebook(Placed):
    """A change of one notebook, whatever it does to it."""

    provider: Literal["aws"] = "aws"
    notebook: NotebookName

    @property
    def resource(self) -> str:
        """The one name of the resource, by which there is at most one open proposal."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:notebook-instance/{self.notebook}"

    @property
    def target(self) -> str:
        """The resource's short id, as people know it."""
        return self.notebook

    def _request(self, operation: str) -> Request:
        parameters = {"NotebookInstanceName": self.notebook}
        return Request(operation=operation, account=self.account, region=self.region, parameters=parameters)

    def stopping(self) -> Request:
        """The request that stops it."""
        return self._request("sagemaker:StopNotebookInstance")

    def starting(self) -> Request:
        """The request that starts it."""
        return self._request("sagemaker:StartNotebookInstance")


class StopNotebook(OnNotebook):
    """Stop a notebook: its disk is kept, what runs in it ends."""

    kind: Literal["stop_notebook"] = "stop_notebook"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    def title(self) -> str:
        """What would happen, with every id in full."""
        return f"Stop SageMaker notebook {self.notebook} in {self.region} (account {self.account})"

    def inverse(self) -> "StartNotebook":
        """The change that undoes this one."""
        return StartNotebook(account=self.account, region=self.region, notebook=self.notebook)

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"status": "InService"}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: can be started again; what lies outside its home folder is lost, and running work ends"

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        return (
            Step(
                number=1,
                request=self.stopping(),
                expect={"status": "Stopped"},
                passing=({"status": "Stopping"},),
                inverse=self.starting(),
            ),
        )


class StartNotebook(OnNotebook):
    """Start a stopped notebook: its hours cost again."""

    kind: Literal["start_notebook"] = "start_notebook"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    def title(self) -> str:
        """What would happen, with every id in full."""
        return f"Start SageMaker notebook {self.notebook} in {self.region} (account {self.account})"

    def inverse(self) -> StopNotebook:
        """The change that undoes this one."""
        return StopNotebook(account=self.account, region=self.region, notebook=self.notebook)

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"status": "Stopped"}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: can be stopped again; the hours run until then are paid"

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        return (
            Step(
                number=1,
                request=self.starting(),
                expect={"status": "InService"},
                passing=({"status": "Pending"},),
                inverse=self.stopping(),
            ),
        )
