"""The calibrator that is used unless another is named: many simple experts, weighed as they do."""
