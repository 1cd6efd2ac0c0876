"""The kinds of device, each a small class behind the interface in fleet/devices/device.py."""
