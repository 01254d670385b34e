"""Where an argument stands in Terraform's files: found beyond doubt, or not at all."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.inspectors.port import CannotLook
from approvals.inspectors.terraform_source import UnclearError, diff_of, mask

BLOCK = """resource "aws_instance" "web" {
  ami           = var.ami
  instance_type = "m5.xlarge" # as it was bought
  user_data     = "password=hunter2"
  tags          = { Name = "web" }
}
"""
OTHER = BLOCK.replace('"web" {', '"db" {')
INSIDE = """resource "aws_instance" "web" {
  ami = var.ami
  nested {
    instance_type = "m5.xlarge"
  }
}
"""
HEREDOC = """resource "aws_instance" "web" {
  user_data = <<-EOT
    instance_type = "m5.xlarge"
    }
  EOT
  instance_type = "m5.xlarge"
}
"""
TEMPLATE = """resource "aws_instance" "web" {
  ami           = "${lookup(var.amis, "eu}{")}-x"
  instance_type = "m5.xlarge"
}
"""
DASHED = """resource "aws_instance" "web" {
  user_data = <<END-OF-IT
instance_type = "m5.xlarge"
END-OF-IT
}
"""
UNQUOTED = BLOCK.replace('"aws_instance"', "aws_instance")
ONE_LINE = f'resource "aws_instance" "web" {{ instance_type = "m5.xlarge" }} # hunter2 {"x" * 400}\n'
PLACES: list[tuple[str, dict[str, str], bool]] = [
    ("one plain value", {"main.tf": BLOCK}, True),
    ("beside another resource of its type", {"main.tf": OTHER + BLOCK}, True),
    ("in one of several files", {"a.tf": OTHER, "b.tf": BLOCK}, True),
    ("what a heredoc says is text", {"main.tf": HEREDOC}, True),
    ("a brace within a template is text", {"main.tf": TEMPLATE}, True),
    ("a commented copy is none", {"main.tf": "/*\n" + BLOCK + "*/\n" + BLOCK}, True),
    ("every line of it is commented out", {"main.tf": "".join(f"# {one}\n" for one in BLOCK.splitlines())}, False),
    ("a variable", {"main.tf": BLOCK.replace('"m5.xlarge"', "var.type")}, False),
    ("a template", {"main.tf": BLOCK.replace('"m5.xlarge"', '"m5.${var.size}"')}, False),
    ("a sum of texts", {"main.tf": BLOCK.replace('"m5.xlarge" #', '"m5.xlarge" == x ? "a" : "b" #')}, False),
    ("another value than the resource has", {"main.tf": BLOCK.replace("m5.xlarge", "m5.large")}, False),
    ("the value that is wanted already", {"main.tf": BLOCK.replace("m5.xlarge", "m6a.xlarge")}, False),
    ("a block within the block", {"main.tf": INSIDE}, False),
    ("the block makes several", {"main.tf": BLOCK.replace("{\n", "{\n  count = 3\n", 1)}, False),
    ("the block makes one for each", {"main.tf": BLOCK.replace("{\n", "{\n  for_each = var.all\n", 1)}, False),
    ("Terraform passes over its changes",
     {"main.tf": BLOCK.replace("{\n", "{\n  lifecycle {\n    ignore_changes = [instance_type]\n  }\n", 1)}, False),
    ("a second block overrules the first", {"main.tf": BLOCK, "override.tf": BLOCK}, False),
    ("the argument stands there twice", {"main.tf": BLOCK.replace("}\n", '  instance_type = "m5.xlarge"\n}\n')}, False),
    ("another module's file", {"modules/web/main.tf": BLOCK}, False),
    ("nothing of it", {"main.tf": OTHER}, False),
    ("a file in the other form, which may overrule it", {"main.tf": BLOCK, "x_override.tf.json": "{}"}, False),
    ("a file of OpenTofu, which goes first", {"main.tf": BLOCK, "main.tofu": BLOCK}, False),
    ("a string that does not end", {"main.tf": BLOCK + 'x = "aws_instance\n'}, False),
    ("a comment that does not end", {"main.tf": BLOCK + "/* aws_instance"}, False),
    ("a block that does not end", {"main.tf": BLOCK.removesuffix("}\n")}, False),
    ("lines as Windows ends them", {"main.tf": BLOCK.replace("\n", "\r\n")}, False),
    ("a file with the lines of Windows, which may hold another", {"a.tf": BLOCK, "b.tf": "a = 1\r\n"}, False),
    ("a file that overrules in whatever form", {"main.tf": BLOCK, "x_override.tf": UNQUOTED}, False),
    ("a file that Terraform does not read", {"main.tf": OTHER, ".main.tf": BLOCK}, False),
    ("a file that no diff can name", {"ma\nin.tf": BLOCK}, False),
    ("a heredoc with a dash in its name says text", {"main.tf": DASHED}, False),
    ("a heredoc in a form that is not known", {"main.tf": BLOCK.replace("var.ami", "<<'EOT'")}, False),
    ("all on one line, beside what is not to be shown", {"main.tf": ONE_LINE}, False),
    ("a character that hides", {"main.tf": BLOCK.replace("as it", "as \u202eit")}, False),
]  # fmt: skip


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


@pytest.mark.parametrize(("what", "files", "found"), PLACES, ids=[row[0] for row in PLACES])
def test_a_place(tmp_path: Path, what: str, files: dict[str, str], found: bool) -> None:
    lines = diff_of(written(tmp_path, files), "aws_instance", "web", "instance_type", "m5.xlarge", "m6a.xlarge")
    assert bool(lines) == found
    if found:
        taken, given_ = (next(line for line in lines[2:] if line.startswith(sign)) for sign in "-+")
        assert given_[1:] == taken[1:].replace("m5.xlarge", "m6a.xlarge")
        assert len(lines) == 5


def test_what_stands_beside_it_is_not_told(tmp_path: Path) -> None:
    lines = diff_of(written(tmp_path, {"main.tf": BLOCK}), "aws_instance", "web", "instance_type", None, "m6a.xlarge")
    assert lines == [
        "--- a/main.tf", "+++ b/main.tf", "@@ -3 +3 @@",
        '-  instance_type = "m5.xlarge" # as it was bought', '+  instance_type = "m6a.xlarge" # as it was bought',
    ]  # fmt: skip


def test_a_file_that_is_kept_elsewhere_is_no_place(tmp_path: Path) -> None:
    kept = written(tmp_path / "shared", {"main.tf": BLOCK})
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "main.tf").symlink_to(kept / "main.tf")
    assert diff_of(tmp_path / "root", "aws_instance", "web", "instance_type", "m5.xlarge", "m6a.xlarge") == []


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not there")
def test_git_applies_it_and_changes_nothing_else(tmp_path: Path) -> None:
    folder = written(tmp_path, {"main.tf": OTHER + BLOCK + HEREDOC.replace('"web"', '"api"')})
    lines = diff_of(folder, "aws_instance", "web", "instance_type", "m5.xlarge", "m6a.xlarge")
    patch = "\n".join(lines) + "\n"
    subprocess.run(["git", "apply", "--unidiff-zero", "-"], cwd=folder, input=patch.encode(), check=True)
    changed = OTHER + BLOCK.replace("m5.xlarge", "m6a.xlarge") + HEREDOC.replace('"web"', '"api"')
    assert (folder / "main.tf").read_text() == changed


def test_a_number_is_set_as_a_number(tmp_path: Path) -> None:
    text = 'resource "aws_autoscaling_group" "web" {\n  min_size = 8\n  max_size = 8\n}\n'
    lines = diff_of(written(tmp_path, {"main.tf": text}), "aws_autoscaling_group", "web", "min_size", 8, 3)
    assert lines[3:] == ["-  min_size = 8", "+  min_size = 3"]
    quoted = written(tmp_path, {"main.tf": text.replace("= 8", '= "8"')})
    assert diff_of(quoted, "aws_autoscaling_group", "web", "min_size", 8, 3) == []


def test_a_folder_that_cannot_be_read_decides_nothing(tmp_path: Path) -> None:
    with pytest.raises(CannotLook):
        diff_of(tmp_path / "none", "aws_instance", "web", "instance_type", "a", "b")


@given(st.text(alphabet='ab{}"$%#/*\\\n<-EOT[]()= ', max_size=80))
def test_a_mask_keeps_length_and_lines_or_gives_up(text: str) -> None:
    try:
        masked = mask(text)
    except UnclearError:
        return
    assert [len(line) for line in masked.split("\n")] == [len(line) for line in text.split("\n")]
