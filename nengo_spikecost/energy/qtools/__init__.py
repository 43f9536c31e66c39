"""qtools"""
