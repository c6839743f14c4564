"""Text files of Caffe's that are given as a network, and are none."""

from collections.abc import Callable

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import NetParameter, SolverParameter

SOLVER = frozenset(SolverParameter.DESCRIPTOR.fields_by_name)
LABEL_MAP = "item"


def network_inside(
    net: NetParameter, parse: Callable[[SolverParameter], object], file: str
) -> NetParameter:
    """The network within a file that is not one by itself.

    Args:
        net: What was read of the file: no layers.
        parse: Fills the message of a solver from the file.
        file: Named in errors.

    Returns:
        The one network that a solver holds, or `net` where nothing tells
        what the file is.

    Raises:
        CaffeFormatError: If it is a solver that holds none or several, or a
            label map.
    """
    names = {field.name for field in net.unread}
    if names == {LABEL_MAP}:
        raise CaffeFormatError(
            "is a label map, which names the classes of data; give the "
            "network's prototxt",
            file,
        )
    if not names & SOLVER:
        return net
    solver = SolverParameter()
    parse(solver)
    held = {
        field.name: value
        for field, value in solver.ListFields()
        if field.name.endswith("net_param")
    }
    nets = [
        one
        for value in held.values()
        for one in ([value] if isinstance(value, NetParameter) else value)
    ]
    if len(nets) == 1:
        return nets[0]
    if nets:
        raise CaffeFormatError(
            f"is a solver that holds {len(nets)} networks "
            f"({', '.join(f'`{name}`' for name in held)}); write what is "
            "between the brackets of the one to convert to a file of its own",
            file,
        )
    named = [*filter(None, (solver.net, solver.train_net)), *solver.test_net]
    give = f"the network that it names: {named[0]}" if named else "a network"
    raise CaffeFormatError(
        f"is a solver, which says how a network is trained; give {give} "
        "(`read_solver` reads solvers)",
        file,
    )
