from gateway.control.problems import PolicyError, Problem, written


def test_a_path_is_written_as_one_would_index_it() -> None:
    assert written(("routes", 0, "filters", 1, "body_limit", "bytes")) == "routes[0].filters[1].body_limit.bytes"
    assert written(()) == ""


def test_a_problem_is_one_line_that_an_editor_can_jump_to() -> None:
    assert str(Problem("p.yaml", 3, 7, "version", "is required")) == "p.yaml:3:7: version: is required"
    assert str(Problem("p.yaml", 3, 7, "", "is empty")) == "p.yaml:3:7: is empty"
    assert str(Problem("p.yaml", 3, 7, "a", "is odd", "warning")) == "p.yaml:3:7: warning: a: is odd"


def test_problems_are_told_in_the_order_of_the_file() -> None:
    later, sooner = Problem("p.yaml", 9, 1, "b", "x"), Problem("p.yaml", 2, 5, "a", "y")
    error = PolicyError([later, sooner])
    assert error.problems == [sooner, later]
    assert str(error) == "p.yaml:2:5: a: y\np.yaml:9:1: b: x"
