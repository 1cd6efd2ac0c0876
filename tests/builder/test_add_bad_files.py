"""ONNX files that cannot be added: one clear message each, a status that is not 0, and a models folder as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from builder import manifest
from builder.__main__ import main
from builder.own_graph import MAX_OPSET
from builder.simplify import MAX_IR_VERSION
from tests.builder.commands import ROOT, contents
from tests.builder.own_files import classifier, model, saved, single

OneFile = Callable[[Path], Path]


@pytest.fixture(scope="module")
def with_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with one model in it, which must survive everything here."""
    folder = tmp_path_factory.mktemp("with-one")
    path = saved(single("Sigmoid"), folder / "good.onnx")
    assert main(["add", str(path), "--id", "good", "--out", str(folder / "models")]) == 0
    return folder / "models"


def refused(capsys: pytest.CaptureFixture[str], out: Path, path: Path | str, *options: str, name: str = "mine") -> str:
    """The one message with which adding that is refused; everything else is as it was."""
    before = contents(out, "**/*")
    capsys.readouterr()
    status = main(["add", str(path), "--id", name, "--out", str(out), *options])
    message = capsys.readouterr().err
    assert status in {1, 2}
    assert message.count("error: ") == 1, message
    assert [
        line.split(":")[0].strip()
        for line in message.splitlines()
        if line.startswith("  ") and not line.startswith("     ")
    ] == [*("got", "expected", "next")], message
    assert "Traceback" not in message
    assert len(message) < 1500
    assert contents(out, "**/*") == before
    assert [m.id for m in manifest.read(out).models] == ["good"]
    return message


def cut(path: Path, size: int) -> Path:
    with path.open("rb+") as file:
        file.truncate(size)
    return path


def with_opset(version: int) -> onnx.ModelProto:
    net = single("Sigmoid")
    net.opset_import[0].version = version
    return net


def with_ir(version: int) -> onnx.ModelProto:
    net = single("Sigmoid")
    net.ir_version = version
    return net


def custom() -> onnx.ModelProto:
    net = single("Sigmoid")
    net.graph.node.extend(
        [
            helper.make_node("Magic", ["y"], ["z"], domain="com.example"),
            helper.make_node("Magic", ["z"], ["v"], domain="com.example"),
            helper.make_node("FusedConv", ["v"], ["w"], domain="com.microsoft"),
        ]
    )
    net.opset_import.extend([helper.make_opsetid("com.example", 1), helper.make_opsetid("com.microsoft", 1)])
    return net


def unknown_operator() -> onnx.ModelProto:
    net = single("Sigmoid")
    net.graph.node[0].op_type = "Sigmoidal"
    return net


def two_inputs() -> onnx.ModelProto:
    return model(
        [helper.make_node("Add", ["a", "b"], ["y"])], inputs={"a": (1, 4), "b": ("n", 4)}, outputs={"y": (1, 4)}
    )


def no_input() -> onnx.ModelProto:
    return model(
        [helper.make_node("Relu", ["c"], ["y"])],
        inputs={},
        outputs={"y": (4,)},
        constants={"c": np.ones(4, np.float32)},
    )


def typed(kind: int, where: str) -> onnx.ModelProto:
    """A cast from float32 to that type, or back from it."""
    to = kind if where == "y" else TensorProto.FLOAT
    node = helper.make_node("Cast", ["x"], ["y"], to=to)
    return model([node], inputs={"x": (1, 8)}, outputs={"y": (1, 8)}, types={where: kind})


def times(number: float) -> onnx.ModelProto:
    node = helper.make_node("Mul", ["x", "by"], ["y"])
    return model([node], inputs={"x": (1, 8)}, outputs={"y": (1, 8)}, constants={"by": np.float32(number)})


def apart_from_its_input() -> onnx.ModelProto:
    nodes = [helper.make_node("Mul", ["x", "none"], ["zero"]), helper.make_node("Add", ["zero", "numbers"], ["y"])]
    constants: dict[str, Any] = {"none": np.float32(0), "numbers": np.arange(8, dtype=np.float32)}
    return model(nodes, inputs={"x": (1, 8)}, outputs={"y": (1, 8)}, constants=constants)


def double_convolution() -> onnx.ModelProto:
    """ONNX allows a convolution in float64; onnxruntime has no kernel for it."""
    nodes = [
        helper.make_node("Cast", ["x"], ["wide"], to=TensorProto.DOUBLE),
        helper.make_node("Conv", ["wide", "w"], ["maps"]),
        helper.make_node("Cast", ["maps"], ["y"], to=TensorProto.FLOAT),
    ]
    return model(
        nodes,
        inputs={"x": (1, 3, 4, 4)},
        outputs={"y": (1, 2, 4, 4)},
        constants={"w": np.ones((2, 3, 1, 1), np.float64)},
    )


def missing_data(folder: Path) -> Path:
    path = saved(classifier(), folder / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=16)
    (folder / "net.data").unlink()
    return path


def cut_data(folder: Path) -> Path:
    path = saved(classifier(), folder / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=16)
    cut(folder / "net.data", 20)
    return path


def great_data(folder: Path) -> Path:
    """The file beside it is sparse, so that it takes no room."""
    path = saved(classifier(), folder / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=16)
    cut(folder / "net.data", 2**31)
    return path


def outside(folder: Path) -> Path:
    (folder / "inner").mkdir()
    path = saved(
        classifier(), folder / "inner" / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=16
    )
    path.write_bytes(path.read_bytes().replace(b"\x08net.data", b"\x08../a.dat"))
    return path


def text(content: bytes) -> OneFile:
    def write(folder: Path) -> Path:
        (folder / "net.onnx").write_bytes(content)
        return folder / "net.onnx"

    return write


def file(net: Callable[[], onnx.ModelProto]) -> OneFile:
    return lambda folder: saved(net(), folder / "net.onnx")


@pytest.mark.parametrize(
    ("make", "parts"),
    [
        pytest.param(
            lambda folder: folder / "none.onnx", ("none.onnx is no file", "check the path"), id="no such file"
        ),
        pytest.param(lambda folder: folder, ("is no file", "a folder"), id="a folder"),
        pytest.param(text(b""), ("not an ONNX file", "0 bytes"), id="empty"),
        pytest.param(text(b"hello, this is not protobuf"), ("not an ONNX file", "b'hello, t'"), id="text"),
        pytest.param(text(b"PK\x03\x04 and so on"), ("not an ONNX file", "module:function"), id="a PyTorch file"),
        pytest.param(text(b"<!DOCTYPE html><html>"), ("not an ONNX file", "the download gave a page"), id="a page"),
        pytest.param(
            lambda folder: cut(saved(classifier(), folder / "net.onnx"), 900),
            ("only a part of one", "900 bytes"),
            id="cut off",
        ),
        pytest.param(
            lambda folder: cut(saved(classifier(), folder / "net.onnx"), 2**31),
            ("over 2 GB", "2,147,483,648 bytes", "2,147,483,647"),
            id="over 2 GB",
        ),
        pytest.param(great_data, ("over 2 GB", "with the weights that it refers to"), id="over 2 GB with its weights"),
        pytest.param(
            missing_data, ("keeps its weights in net.data", "put net.data beside net.onnx"), id="weights missing"
        ),
        pytest.param(cut_data, ("net.data", "cut off", "20 bytes"), id="weights cut off"),
        pytest.param(outside, ("outside its own folder", "../a.dat"), id="weights elsewhere"),
        pytest.param(
            file(lambda: with_opset(27)), ("newer than the runtime reads", "opset 27", "opset up to 26"), id="opset"
        ),
        pytest.param(file(lambda: with_ir(14)), ("newer than the runtime reads", "IR version 14"), id="IR version"),
        pytest.param(
            file(custom),
            ("outside ai.onnx", "2 x com.example:Magic", "1 x com.microsoft:FusedConv"),
            id="custom domains",
        ),
        pytest.param(file(unknown_operator), ("breaks ONNX's rules", "Sigmoidal"), id="an unknown operator"),
        pytest.param(
            file(two_inputs), ("must have one input", "a: float32 (1, 4), b: float32 (n, 4)"), id="two inputs"
        ),
        pytest.param(file(no_input), ("must have one input", "none"), id="no input"),
        pytest.param(
            file(lambda: typed(TensorProto.INT64, "x")), ("the input x has another type", "int64 (1, 8)"), id="int64 in"
        ),
        pytest.param(
            file(lambda: typed(TensorProto.FLOAT16, "x")), ("the input x has another type", "float16"), id="float16 in"
        ),
        pytest.param(
            file(lambda: typed(TensorProto.DOUBLE, "y")), ("the output y has another type", "float64"), id="float64 out"
        ),
        pytest.param(
            file(lambda: typed(TensorProto.BOOL, "y")), ("the output y has another type", "bool"), id="bool out"
        ),
        pytest.param(
            file(lambda: classifier(batch="batch")),
            ("dimensions without a size", "(batch, 3, 16, 16)", "--dim batch=1"),
            id="a symbolic dimension",
        ),
        pytest.param(
            file(lambda: single("Sigmoid", shape=("n", None, 4))),
            ("dimensions without a size", "(n, ?, 4)", "sizes for n, axis1", "--dim n=1 --dim axis1=1"),
            id="two of them",
        ),
        pytest.param(file(lambda: single("Log")), ("the output y proves nothing", "NaN or infinity"), id="NaN"),
        pytest.param(file(lambda: times(0)), ("the output y proves nothing", "0 everywhere"), id="constant"),
        pytest.param(
            file(apart_from_its_input),
            ("the same for two different inputs",),
            id="outputs that do not depend on the input",
        ),
        pytest.param(file(double_convolution), ("onnxruntime cannot run net.onnx", "Conv"), id="no kernel"),
        pytest.param(file(lambda: with_opset(5)), ("onnxruntime", "export it again"), id="an opset of 2017"),
    ],
)
def test_a_bad_file_gets_one_clear_message(
    make: OneFile, parts: tuple[str, ...], with_one: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refused(capsys, with_one, make(tmp_path))
    assert all(part in message for part in parts), message
    assert "mine, stage" in message


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("--dim", "batch=0"), ("batch=0", "NAME=SIZE")),
        (("--dim", "batch"), ("'batch'", "NAME=SIZE")),
        (("--input", "1x3x0"), ("1x3x0", "1x3x224x224")),
        (("--preprocessing", "vgg"), ("vgg", "imagenet")),
    ],
)
def test_a_wrong_option_names_what_it_wants(
    options: tuple[str, ...], parts: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["add", "net.onnx", "--id", "mine", "--out", str(tmp_path), *options])
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    ("name", "options", "parts"),
    [
        ("My-Model", (), ("the id is no good", "'My-Model'", "small letters")),
        ("", (), ("the id is no good", "''")),
        ("../up", (), ("the id is no good",)),
        ("resnet50", (), ("resnet50 is the id of one of the catalogue's models", "my_resnet50")),
        ("mine", ("--dim", "rows=2"), ("no such dimension", "rows", "every dimension has its size")),
        ("mine", ("--input", "1x3x16x16"), ("--input is for a network", "leave --input out")),
        ("mine", ("--labels", "no-such-file"), ("no-such-file cannot be read", "No such file")),
        ("mine", ("--labels", "LIST"), ("the labels do not fit", "2 names", "7, one a class")),
        ("mine", ("--labels", "NUMBERS"), ("are not names", "a JSON list of strings")),
        ("mine", ("--labels", "BROKEN"), ("are not names", "line 1")),
    ],
)
def test_a_request_that_does_not_fit_is_explained(
    name: str,
    options: tuple[str, ...],
    parts: tuple[str, ...],
    with_one: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for kind, content in (("LIST", '["a", "b"]'), ("NUMBERS", "[1, 2]"), ("BROKEN", '["a", ')):
        (tmp_path / kind).write_text(content)
    chosen = [str(tmp_path / o) if o.isupper() else o for o in options]
    message = refused(capsys, with_one, saved(classifier(), tmp_path / "net.onnx"), *chosen, name=name)
    assert all(part in message for part in parts), message


def test_labels_are_for_classifiers(with_one: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "labels").write_text("a\nb\n")
    path = saved(single("Sigmoid", shape=(2, 8)), tmp_path / "net.onnx")
    assert "labels are for classifiers" in refused(capsys, with_one, path, "--labels", str(tmp_path / "labels"))


def test_preprocessing_is_for_images(with_one: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(single("Sigmoid"), tmp_path / "net.onnx")
    message = refused(capsys, with_one, path, "--preprocessing", "unit")
    assert "cannot be an image" in message
    assert "(1, 8)" in message


def test_the_limits_are_those_of_the_runtime() -> None:
    """The newest opset and IR version that are let through run; the next ones do not."""
    for net in (with_opset(MAX_OPSET), with_ir(MAX_IR_VERSION)):
        onnxruntime.InferenceSession(net.SerializeToString(), providers=["CPUExecutionProvider"])
    for net in (with_opset(MAX_OPSET + 1), with_ir(MAX_IR_VERSION + 1)):
        with pytest.raises(Exception, match=r"(?i)unsupported|under development"):
            onnxruntime.InferenceSession(net.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.mark.usefixtures("ctrl_c_works")
def test_an_interrupt_leaves_the_folder_as_it_was(with_one: Path, tmp_path: Path) -> None:
    before = contents(with_one, "**/*")
    path = saved(classifier(side=64), tmp_path / "net.onnx")
    command = [sys.executable, "-u", "-m", "builder", "add", str(path), "--id", "mine", "--out", str(with_one)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert process.stdout
    for line in process.stdout:
        if "load" in line:
            process.send_signal(signal.SIGINT)
            break
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert errors == "interrupted; nothing was added\n"
    assert contents(with_one, "**/*") == before
