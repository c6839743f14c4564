import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from keras_hypersphere.caffe_format import schema
from keras_hypersphere.caffe_format.schema import LayerParameter, NetParameter

FOLDER = Path(schema.__file__).parent

FIELDS = LayerParameter.DESCRIPTOR.fields_by_name


def number(message, path):
    """The numbers along a path such as `layer.convolution_param.pad`."""
    numbers = []
    descriptor = message.DESCRIPTOR
    for name in path.split("."):
        field = descriptor.fields_by_name[name]
        numbers.append(field.number)
        descriptor = field.message_type
    return numbers


@pytest.mark.parametrize(
    "path, numbers",
    [
        ("name", [1]),
        ("layers.type", [2, 5]),
        ("layers.blobs.data", [2, 6, 5]),
        ("layers.slice_param.slice_dim", [2, 31, 1]),
        ("input_dim", [4]),
        ("input_shape.dim", [8, 1]),
        ("state.stage", [6, 3]),
        ("layer.type", [100, 2]),
        ("layer.blobs.shape.dim", [100, 7, 7, 1]),
        ("layer.blobs.double_data", [100, 7, 8]),
        ("layer.convolution_param.dilation", [100, 106, 18]),
        ("layer.pooling_param.global_pooling", [100, 121, 12]),
        ("layer.inner_product_param.transpose", [100, 117, 6]),
        ("layer.prelu_param.channel_shared", [100, 131, 2]),
        ("layer.batch_norm_param.eps", [100, 139, 3]),
        ("layer.scale_param.bias_filler.std", [100, 142, 5, 6]),
        ("layer.input_param.shape.dim", [100, 143, 1, 1]),
    ],
)
def test_official_numbers(path, numbers):
    assert number(NetParameter, path) == numbers


def test_defaults():
    layer = LayerParameter()
    assert layer.convolution_param.bias_term is True
    assert layer.lrn_param.beta == 0.75
    assert layer.eltwise_param.operation == 1  # SUM
    assert layer.bias_param.axis == 1
    assert layer.exp_param.base == -1
    assert layer.scale_param.filler.type == "constant"
    assert NetParameter().state.phase == 1  # TEST


def test_fields_of_forks_are_not_read_from_binary():
    """147 is A-Softmax in one fork and center loss in another."""
    assert FIELDS["margin_inner_product_param"].number >= 20000
    swish_or_margin = bytes([0x9A, 0x09, 2, 0x08, 10])  # 147: { 1: 10 }
    layer = LayerParameter.FromString(swish_or_margin)
    assert not layer.HasField("margin_inner_product_param")


def test_no_private_number_is_a_forks_own():
    """Whatever official Caffe lacks has a number that no fork gave away."""
    official = {"FillerParameter": 8, "InnerProductParameter": 6}
    for name, most in official.items():
        message = LayerParameter.DESCRIPTOR.file.message_types_by_name[name]
        numbers = sorted(message.fields_by_number)
        assert numbers[:most] == list(range(1, most + 1))
        assert all(number >= 20000 for number in numbers[most:])


def test_the_compiled_schema_is_that_of_the_text(tmp_path):
    """`make schema` has been run after the last change."""
    if importlib.util.find_spec("grpc_tools") is None:
        pytest.skip("needs grpcio-tools")
    made = tmp_path / "made"
    protoc = [sys.executable, "-m", "grpc_tools.protoc"]
    out = f"--descriptor_set_out={made}"
    subprocess.run([*protoc, f"-I{FOLDER}", out, "caffe.proto"], check=True)
    assert made.read_bytes() == (FOLDER / "caffe.binpb").read_bytes()


def test_a_pycaffe_in_the_same_process():
    """Its schema has the name `caffe` and the file `caffe.proto`."""
    theirs = descriptor_pb2.FileDescriptorProto(
        name="caffe.proto", package="caffe", syntax="proto2"
    )
    message = theirs.message_type.add(name="NetParameter")
    message.field.add(name="name", number=1, type=9, label=1)
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(theirs.SerializeToString())
    net = message_factory.GetMessageClass(
        pool.FindMessageTypeByName("caffe.NetParameter")
    )(name="a")
    assert NetParameter.FromString(net.SerializeToString()).name == "a"


@pytest.mark.parametrize("implementation", ["python", "upb"])
def test_both_implementations_of_protobuf(implementation, fixtures):
    """Without Keras, and with the pure Python protobuf."""
    code = (
        "import sys\n"
        "from keras_hypersphere import caffe_format as c\n"
        "from google.protobuf.internal import api_implementation as a\n"
        f"assert a.Type() == {implementation!r}\n"
        f"d = {str(fixtures / 'odd_names')!r}\n"
        "n = c.read_prototxt(d + '/deploy.prototxt')\n"
        "w = c.read_caffemodel(d + '/model.caffemodel')\n"
        "print(n.layer[1].name, c.blob_array(w.layer[1].blobs[0]).sum())\n"
        "from keras_hypersphere.caffe_format import custom_layers as d\n"
        "d.declare('Own', d.build_class({'a': {'b 3': 'float'}}))\n"
        "text = 'type: \\'Own\\' a { b: 2 c: 1 } } layer { nosuch: 1 }'\n"
        "open('net', 'w').write('layer {' + text)\n"
        "own, other = c.read_prototxt('net').layer\n"
        "print(d.with_own(own).a.b, own.unread[0].name, other.unread[0].name)\n"
        "open('bad', 'wb').write(b'\\xe2')\n"
        "try: c.read_prototxt('bad')\n"
        "except c.CaffeFormatError as e: print(e)\n"
        "assert 'keras' not in sys.modules\n"
    )
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": implementation,
            },
            cwd=folder,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("conv1/7x7_s2 ")
    assert "\n2.0 a.c nosuch\nbad: line 1, column 1: " in done.stdout
