from keras_hypersphere.tools.caffe.names import Names


def test_each_name_is_given_once():
    names = Names()
    assert names.claim("conv1/7x7") == "conv1__7x7"
    assert names.claim("conv1__7x7") == "conv1__7x7_1"
    assert names.claim("conv1/7x7") == "conv1__7x7_2"
    assert names.claim("conv1.7x7") == "conv1__7x7_3"
    assert names.claim("a b:c") == "a b:c"
    assert names.claim("") == "_"
