# In the place of an image that cannot be pulled, or is not to be built here (hardened.yaml). It needs no registry,
# and fails: Compose ends with the name of what it did not find. It is right for `up --build`, too.
FROM scratch
COPY ["An image is missing and cannot be pulled or built like this: run `make images`", "/"]
