def run_all(place, kinds, options, report):
    return []
