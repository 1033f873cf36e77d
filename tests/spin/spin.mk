# The protocol of sharing, model-checked (docs/MODEL.md).

spin: ## every schedule of the sharing protocol, in small models
	@tools/spin

.PHONY: spin
